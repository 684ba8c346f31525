"""Another password, and the end of an account."""

import pytest

from tests.api.door import Door, Person, password_login
from tests.people.parts import People


async def test_changing_a_password_asks_for_the_old_one(alice: Person) -> None:
    answer = await alice.post("/account/password", {"new_password": "another one"})
    assert answer.status == 401 and answer["flows"] == [{"stages": ["m.login.password"]}]
    wrong = {"new_password": "another one", "auth": alice.proof("a guess")}
    answer = await alice.post("/account/password", wrong)
    assert (answer.status, answer.code) == (401, "M_FORBIDDEN")
    assert answer["flows"] == [{"stages": ["m.login.password"]}] and answer["completed"] == []


async def test_a_new_password_holds_and_signs_other_devices_out(door: Door, alice: Person) -> None:
    other = await door.login("alice")
    body = {"new_password": "another one", "auth": alice.proof()}
    assert (await alice.post("/account/password", body)).status == 200
    assert (await alice.get("/account/whoami")).status == 200
    assert (await other.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    assert (await door.stranger.post("/login", password_login("alice"))).status == 403
    await door.login("alice", "another one")


async def test_other_devices_can_be_kept(door: Door, alice: Person) -> None:
    other = await door.login("alice")
    body = {"new_password": "another one", "auth": alice.proof(), "logout_devices": False}
    assert (await alice.post("/account/password", body)).status == 200
    assert (await other.get("/account/whoami")).status == 200


async def test_the_password_can_be_changed_without_being_signed_in(
    door: Door, alice: Person
) -> None:
    body = {"new_password": "another one", "auth": alice.proof()}
    assert (await door.stranger.post("/account/password", body)).status == 200
    assert (await alice.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    await door.login("alice", "another one")


async def test_nobody_changes_somebody_elses_password(alice: Person, bob: Person) -> None:
    body = {"new_password": "another one", "auth": bob.proof()}
    answer = await alice.post("/account/password", body)
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")


async def test_a_proof_of_another_kind_does_not_count(alice: Person) -> None:
    auth = {"type": "m.login.dummy", "session": "kept"}
    answer = await alice.post("/account/password", {"new_password": "x", "auth": auth})
    assert (answer.status, answer.code, answer["session"]) == (401, "M_FORBIDDEN", "kept")


async def test_a_closed_account_is_over(door: Door, people: People, alice: Person) -> None:
    assert (await alice.post("/account/deactivate")).status == 401
    wrong = {"auth": alice.proof("a guess")}
    assert (await alice.post("/account/deactivate", wrong)).status == 401
    answer = await alice.post("/account/deactivate", {"auth": alice.proof()})
    assert answer.body == {"id_server_unbind_result": "success"}
    assert people.left == [("@alice:example.org", False)]
    assert (await alice.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    answer = await door.stranger.post("/login", password_login("alice"))
    assert (answer.status, answer.code) == (403, "M_USER_DEACTIVATED")
    answer = await door.stranger.get("/register/available", username="alice")
    assert answer.code == "M_USER_IN_USE"
    assert (await door.stranger.get("/profile/@alice:example.org")).status == 404


async def test_erasing_takes_with_it_what_was_kept(
    door: Door, people: People, alice: Person
) -> None:
    user_id = alice.user_id
    await alice.put(f"/user/{user_id}/account_data/org.example.notes", {"a": 1})
    await alice.post("/account/deactivate", {"auth": alice.proof(), "erase": True})
    assert people.left == [(user_id, True)]
    assert await people.profiles.of(user_id) == {}
    assert await people.preferences.all(user_id) == []


async def test_there_are_no_contacts(alice: Person) -> None:
    assert (await alice.get("/account/3pid")).body == {"threepids": []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/account/3pid", 403, "M_THREEPID_DENIED"),
        ("/account/3pid/add", 403, "M_THREEPID_DENIED"),
        ("/account/3pid/bind", 403, "M_THREEPID_DENIED"),
        ("/account/3pid/email/requestToken", 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED"),
        ("/account/3pid/msisdn/requestToken", 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED"),
        ("/account/password/email/requestToken", 403, "M_THREEPID_DENIED"),
        ("/register/email/requestToken", 403, "M_THREEPID_DENIED"),
        ("/register/msisdn/requestToken", 403, "M_THREEPID_DENIED"),
        ("/account/3pid/delete", 200, None),
        ("/account/3pid/unbind", 200, None),
    ],
)
async def test_contacts_are_not_taken(
    alice: Person, path: str, status: int, code: str | None
) -> None:
    answer = await alice.post(path, {"medium": "email", "address": "alice@example.org"})
    assert (answer.status, answer.code) == (status, code)
