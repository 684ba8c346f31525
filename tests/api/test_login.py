"""Signing in, staying signed in and signing out over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Door, Person, password_login
from tests.people.parts import MINUTES, People

MINUTE = 60_000


async def test_the_flows_are_told(door: Door) -> None:
    flows = (await door.stranger.get("/login"))["flows"]
    assert {"type": "m.login.password"} in flows
    assert {"type": "m.login.token", "get_login_token": True} in flows


@pytest.mark.parametrize("name", ["alice", "@alice:example.org", "ALICE", "@Alice:example.org"])
async def test_one_signs_in_by_name_or_id_in_any_case(door: Door, alice: Person, name: str) -> None:
    again = await door.login(name, device_id="LAPTOP")
    assert (again.user_id, again.device_id) == ("@alice:example.org", "LAPTOP")
    assert (await again.get("/account/whoami"))["user_id"] == "@alice:example.org"


async def test_old_clients_sign_in_with_a_user(door: Door, alice: Person) -> None:
    body = {"type": "m.login.password", "user": "alice", "password": "a good password"}
    answer = await door.stranger.post("/_matrix/client/r0/login", body)
    assert answer["user_id"] == alice.user_id


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (password_login("alice", "wrong"), 403, "M_FORBIDDEN"),
        (password_login("nobody"), 403, "M_FORBIDDEN"),
        (password_login("@alice:elsewhere.org"), 403, "M_FORBIDDEN"),
        (password_login("alice", "x" * 10_000), 403, "M_FORBIDDEN"),
        (password_login("a\0"), 400, "M_INVALID_PARAM"),
        ({"type": "m.login.stars"}, 400, "M_UNKNOWN"),
        ({"type": "m.login.password"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "alice"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.token"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.token", "token": "guess"}, 403, "M_FORBIDDEN"),
        ({}, 400, "M_BAD_JSON"),
        ({"type": "m.login.password", "identifier": "alice"}, 400, "M_BAD_JSON"),
        ({"type": "m.login.password", "identifier": {"type": "x"}}, 400, "M_UNKNOWN"),
        (
            {"type": "m.login.password", "identifier": {"type": "m.id.phone"}, "password": ""},
            403,
            "M_FORBIDDEN",
        ),
    ],
)
async def test_who_proves_nothing_is_refused(
    door: Door, alice: Person, body: Any, status: int, code: str
) -> None:
    answer = await door.stranger.post("/login", body)
    assert (answer.status, answer.code) == (status, code)


async def test_without_a_token_one_is_nobody(door: Door) -> None:
    answer = await door.stranger.get("/account/whoami")
    assert (answer.status, answer.code) == (401, "M_MISSING_TOKEN")
    answer = await Person(door, {"access_token": "invented"}).get("/account/whoami")
    assert (answer.status, answer.code) == (401, "M_UNKNOWN_TOKEN")
    assert "soft_logout" not in answer.body


async def test_a_token_may_stand_in_the_address_for_old_clients(door: Door, alice: Person) -> None:
    token = alice.session["access_token"]
    answer = await door.stranger.get("/account/whoami", access_token=token)
    assert answer["user_id"] == alice.user_id


async def test_the_word_bearer_may_be_written_in_any_case(door: Door, alice: Person) -> None:
    headers = {"Authorization": f"bEARER {alice.session['access_token']}"}
    response = await door.http.get("/_matrix/client/v3/account/whoami", headers=headers)
    assert response.status_code == 200


async def test_signing_out_ends_the_device_at_once(door: Door, alice: Person) -> None:
    other = await door.login("alice")
    assert (await alice.post("/logout")).status == 200
    assert (await alice.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    devices = (await other.get("/devices"))["devices"]
    assert [device["device_id"] for device in devices] == [other.device_id]


async def test_signing_out_everywhere_spares_other_people(
    door: Door, alice: Person, bob: Person
) -> None:
    other = await door.login("alice")
    assert (await alice.post("/logout/all")).status == 200
    for device in (alice, other):
        assert (await device.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    assert (await bob.get("/account/whoami")).status == 200


async def test_a_device_that_signs_in_again_loses_its_earlier_token(
    door: Door, alice: Person
) -> None:
    assert (await alice.get("/account/whoami")).status == 200
    again = await door.login("alice", device_id=alice.device_id)
    assert (await alice.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    assert (await again.get("/account/whoami"))["device_id"] == alice.device_id


async def test_another_person_may_have_a_device_of_the_same_name(door: Door) -> None:
    alice = await door.register("alice", device_id="PHONE")
    bob = await door.register("bob", device_id="PHONE")
    await bob.post("/logout")
    assert (await alice.get("/account/whoami")).status == 200


# Refreshing


async def refresh(door: Door, session: Any) -> Any:
    return await door.stranger.post("/refresh", {"refresh_token": session["refresh_token"]})


@pytest.fixture
async def carol(door: Door) -> Person:
    return await door.register("carol", refresh_token=True)


async def test_only_who_asks_for_it_gets_a_token_that_expires(alice: Person, carol: Person) -> None:
    assert "refresh_token" not in alice.session and "expires_in_ms" not in alice.session
    assert carol.session["expires_in_ms"] == MINUTES * MINUTE


async def test_an_expired_token_is_a_soft_logout(people: People, carol: Person) -> None:
    people.clock.move(MINUTES * MINUTE)
    answer = await carol.get("/account/whoami")
    assert (answer.status, answer.code, answer["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", True)


async def test_a_new_token_makes_the_old_ones_void_once_it_is_used(
    door: Door, carol: Person
) -> None:
    renewed = await refresh(door, carol.session)
    assert (await carol.get("/account/whoami")).status == 200
    newer = Person(door, renewed.body)
    assert (await newer.get("/account/whoami"))["device_id"] == carol.device_id
    assert (await carol.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    answer = await refresh(door, carol.session)
    assert (answer.status, answer.code) == (401, "M_UNKNOWN_TOKEN")


async def test_an_answer_that_was_lost_can_be_asked_for_again(door: Door, carol: Person) -> None:
    lost = await refresh(door, carol.session)
    renewed = await refresh(door, carol.session)
    assert (await Person(door, lost.body).get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    assert (await Person(door, renewed.body).get("/account/whoami")).status == 200


async def test_using_the_new_refresh_token_makes_the_old_one_void(
    door: Door, carol: Person
) -> None:
    second = await refresh(door, carol.session)
    third = await refresh(door, second.body)
    assert third.status == 200
    assert (await refresh(door, carol.session)).code == "M_UNKNOWN_TOKEN"
    assert (await Person(door, third.body).get("/account/whoami")).status == 200


async def test_tokens_are_renewed_after_they_expired(
    door: Door, people: People, carol: Person
) -> None:
    people.clock.move(30 * 24 * 60 * MINUTE)
    renewed = await refresh(door, carol.session)
    assert (await Person(door, renewed.body).get("/account/whoami")).status == 200


async def test_of_many_renewals_at_once_one_pair_remains(door: Door, carol: Person) -> None:
    answers = await asyncio.gather(*(refresh(door, carol.session) for _ in range(6)))
    good = [answer for answer in answers if answer.status == 200]
    calls = [await Person(door, answer.body).get("/account/whoami") for answer in good]
    assert [call.status for call in calls].count(200) == 1


async def test_signing_out_ends_the_refresh_token_too(door: Door, carol: Person) -> None:
    await carol.post("/logout")
    assert (await refresh(door, carol.session)).code == "M_UNKNOWN_TOKEN"


@pytest.mark.parametrize("body", [{}, {"refresh_token": 1}])
async def test_a_refresh_needs_a_token(door: Door, body: Any) -> None:
    answer = await door.stranger.post("/refresh", body)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON")


# Login tokens

GET_TOKEN = "/_matrix/client/v1/login/get_token"


async def login_token(person: Person) -> str:
    answer = await person.post(GET_TOKEN, {"auth": person.proof()})
    assert (answer.status, answer["expires_in_ms"]) == (200, 120_000)
    return str(answer["login_token"])


async def test_a_login_token_signs_one_device_in(door: Door, alice: Person) -> None:
    body = {"type": "m.login.token", "token": await login_token(alice)}
    answers = await asyncio.gather(*(door.stranger.post("/login", body) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 403, 403, 403]
    (signed_in,) = [answer for answer in answers if answer.status == 200]
    assert signed_in["user_id"] == alice.user_id and signed_in["device_id"] != alice.device_id


async def test_a_login_token_expires(door: Door, people: People, alice: Person) -> None:
    token = await login_token(alice)
    people.clock.move(120_000)
    answer = await door.stranger.post("/login", {"type": "m.login.token", "token": token})
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")


async def test_a_login_token_needs_the_password_every_time(alice: Person) -> None:
    await login_token(alice)
    answer = await alice.post(GET_TOKEN)
    assert answer.status == 401 and answer["flows"] == [{"stages": ["m.login.password"]}]


# Guessing


async def test_guessing_a_password_is_slowed_down(people: People) -> None:
    door = Door(people, limits=True)
    await people.join("alice")
    answers = [await door.stranger.post("/login", password_login("alice", "?")) for _ in range(11)]
    assert [answer.status for answer in answers] == [403] * 10 + [429]
    assert answers[-1].code == "M_LIMIT_EXCEEDED" and answers[-1]["retry_after_ms"] > 0
    assert int(answers[-1].headers["retry-after"]) >= 1
    people.clock.move(answers[-1]["retry_after_ms"])
    await door.login("alice")


async def test_guessing_somebody_elses_password_does_not_keep_me_out(people: People) -> None:
    door = Door(people, limits=True)
    await people.join("alice")
    await people.join("bob")
    for _ in range(11):
        await door.stranger.post("/login", password_login("alice", "?"))
    await door.login("bob")
