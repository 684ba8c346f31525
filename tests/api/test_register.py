"""Making an account over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.api.door import DUMMY, Door, Person
from tests.people.parts import People

PASSWORD = {"password": "a good password"}


async def test_without_proof_the_flows_are_told(door: Door) -> None:
    answer = await door.stranger.post("/register")
    assert answer.status == 401
    assert answer["flows"] == [{"stages": ["m.login.dummy"]}]
    assert answer["session"] and answer["completed"] == [] and answer["params"] == {}
    assert answer.code is None


async def test_somebody_registers_and_is_signed_in(door: Door) -> None:
    alice = await door.register("alice", device_id="PHONE", initial_device_display_name="Phone")
    assert alice.user_id == "@alice:example.org" and alice.device_id == "PHONE"
    assert (await alice.get("/account/whoami")).body == {
        "user_id": "@alice:example.org",
        "device_id": "PHONE",
        "is_guest": False,
    }


async def test_capitals_in_a_name_are_lowered(door: Door) -> None:
    assert (await door.register("User-UPPER")).user_id == "@user-upper:example.org"


@pytest.mark.parametrize("letter", "!\":?\\@[]{|}£é\n' ")
async def test_a_name_with_other_letters_is_refused(door: Door, letter: str) -> None:
    answer = await door.stranger.post("/register", {"username": f"a{letter}b", **PASSWORD, **DUMMY})
    assert (answer.status, answer.code) == (400, "M_INVALID_USERNAME")


@pytest.mark.parametrize("name", ["q3._=-/", "a+b", "123"])
async def test_a_name_may_have_the_letters_of_the_grammar(door: Door, name: str) -> None:
    assert (await door.register(name)).user_id == f"@{name}:example.org"


async def test_a_taken_name_is_refused_before_any_proof(door: Door, alice: Person) -> None:
    answer = await door.stranger.post("/register", {"username": "alice", **PASSWORD})
    assert (answer.status, answer.code) == (400, "M_USER_IN_USE")
    answer = await door.stranger.get("/register/available", username="alice")
    assert (answer.status, answer.code) == (400, "M_USER_IN_USE")
    answer = await door.stranger.get("/register/available", username="bob")
    assert answer.body == {"available": True}


async def test_of_many_who_want_a_name_at_once_one_gets_it(door: Door) -> None:
    wish = {"username": "alice", **PASSWORD, **DUMMY}
    answers = await asyncio.gather(*(door.stranger.post("/register", wish) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    assert {answer.code for answer in answers} == {None, "M_USER_IN_USE"}


async def test_what_was_wished_first_is_remembered(door: Door) -> None:
    wish = {"username": "alice", **PASSWORD, "device_id": "xyzzy"}
    session = (await door.stranger.post("/register", wish))["session"]
    proof = {"auth": {"type": "m.login.dummy", "session": session}}
    answer = await door.stranger.post("/register", proof)
    assert (answer["user_id"], answer["device_id"]) == ("@alice:example.org", "xyzzy")
    await door.login("alice")


async def test_repeating_a_registration_finds_the_same_account(door: Door) -> None:
    session = (await door.stranger.post("/register", PASSWORD))["session"]
    proof = {"auth": {"type": "m.login.dummy", "session": session}}
    first = await door.stranger.post("/register", proof)
    second = await door.stranger.post("/register", proof)
    assert first["user_id"] == second["user_id"]
    assert (await Person(door, second.body).get("/account/whoami")).status == 200


async def test_a_session_of_ones_own_choice_opens_no_account(door: Door) -> None:
    proof = {"auth": {"type": "m.login.dummy", "session": "1"}}
    first = await door.stranger.post("/register", {**PASSWORD, **proof})
    second = await door.stranger.post("/register", {**PASSWORD, **proof})
    assert first["user_id"] != second["user_id"]
    assert (await door.stranger.post("/register", proof)).code == "M_MISSING_PARAM"
    asked = await door.stranger.post("/register", {"auth": {"session": "1"}})
    assert asked["session"] != "1"


async def test_without_a_name_one_is_made_up(door: Door) -> None:
    answers = [await door.stranger.post("/register", {**PASSWORD, **DUMMY}) for _ in range(2)]
    assert answers[0]["user_id"] != answers[1]["user_id"]


async def test_without_a_password_there_is_no_account(door: Door) -> None:
    answer = await door.stranger.post("/register", {"username": "alice", **DUMMY})
    assert (answer.status, answer.code) == (400, "M_MISSING_PARAM")


async def test_login_can_be_inhibited(door: Door) -> None:
    wish = {"username": "alice", **PASSWORD, **DUMMY, "inhibit_login": True}
    answer = await door.stranger.post("/register", wish)
    assert answer.body == {"user_id": "@alice:example.org", "home_server": "example.org"}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("guest", 403, "M_GUEST_ACCESS_FORBIDDEN"), ("robot", 400, "M_INVALID_PARAM")],
)
async def test_other_kinds_of_account_are_refused(
    door: Door, kind: str, status: int, code: str
) -> None:
    answer = await door.stranger.post("/register", {}, kind=kind)
    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b'{"username": 4}', "M_BAD_JSON"),
        (b'{"password": ["a"]}', "M_BAD_JSON"),
        (b'{"device_id": "a\\u0000", "auth": {"type": "m.login.dummy"}}', "M_INVALID_PARAM"),
        (b'{"username": "' + b"a" * 300 + b'"}', "M_INVALID_USERNAME"),
        (b'{"password": "' + b"a" * 600 + b'"}', "M_INVALID_PARAM"),
    ],
)
async def test_what_cannot_be_understood_is_refused(door: Door, raw: bytes, code: str) -> None:
    answer = await door.stranger.call("POST", "/register", raw=raw)
    assert (answer.status, answer.code) == (400, code)


async def test_a_closed_server_refuses(people: People) -> None:
    door = Door(people, registration="closed")
    answer = await door.stranger.post("/register", {"username": "alice", **PASSWORD, **DUMMY})
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")
    answer = await door.stranger.get(VALIDITY, token="abc")
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")


VALIDITY = "/_matrix/client/v1/register/m.login.registration_token/validity"


def with_token(name: str, token: Any) -> dict[str, Any]:
    auth = {"type": "m.login.registration_token", "token": token}
    return {"username": name, **PASSWORD, "auth": auth}


async def test_a_token_lets_in_as_many_as_it_says(people: People) -> None:
    door = Door(people, registration="token")
    await people.invitations.create("welcome", uses=2)
    wishes = [with_token(f"user{n}", "welcome") for n in range(6)]
    answers = await asyncio.gather(*(door.stranger.post("/register", each) for each in wishes))
    assert sorted(answer.status for answer in answers) == [200, 200, 401, 401, 401, 401]
    assert (await door.stranger.get(VALIDITY, token="welcome")).body == {"valid": False}


async def test_a_token_expires(people: People) -> None:
    door = Door(people, registration="token")
    await people.invitations.create("welcome", expires=people.clock.now() + 1000)
    assert (await door.stranger.get(VALIDITY, token="welcome")).body == {"valid": True}
    people.clock.move(1000)
    answer = await door.stranger.post("/register", with_token("alice", "welcome"))
    assert (answer.status, answer.code) == (401, "M_FORBIDDEN")
    assert answer["flows"] == [{"stages": ["m.login.registration_token"]}]


async def test_a_dummy_is_no_registration_token(people: People) -> None:
    door = Door(people, registration="token")
    answer = await door.stranger.post("/register", {"username": "alice", **PASSWORD, **DUMMY})
    assert (answer.status, answer.code) == (401, "M_FORBIDDEN")
    assert not await people.accounts.exists("@alice:example.org")


async def test_a_failed_registration_does_not_use_up_a_token(people: People) -> None:
    door = Door(people, registration="token")
    await people.invitations.create("welcome", uses=2)
    wish = with_token("alice", "welcome")
    answers = await asyncio.gather(*(door.stranger.post("/register", wish) for _ in range(5)))
    assert [answer.status for answer in answers].count(200) == 1
    (invitation,) = await people.invitations.all()
    assert invitation.uses == 1
