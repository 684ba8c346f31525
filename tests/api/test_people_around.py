"""Presence, the directory, proofs for others, calls, moderation and discovery over HTTP."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from tests.api.door import Door, Person
from tests.people.parts import People

STATUS = "/presence/@{}:example.org/status"


# Presence


async def test_presence_is_set_and_seen_by_friends(door: Door, alice: Person, bob: Person) -> None:
    mood = {"presence": "unavailable", "status_msg": "At lunch"}
    assert (await bob.put(STATUS.format("bob"), mood)).body == {}
    assert (await alice.get(STATUS.format("bob"))).body == {
        "presence": "unavailable",
        "status_msg": "At lunch",
        "last_active_ago": 0,
        "currently_active": False,
    }
    answer = await bob.get(STATUS.format("alice"))
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")
    assert (await alice.get(STATUS.format("nobody"))).code == "M_NOT_FOUND"
    assert (await alice.get(STATUS.format("alice"))).body == {"presence": "offline"}


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("alice", {"presence": "online"}, 403, "M_FORBIDDEN"),
        ("bob", {"presence": "asleep"}, 400, "M_BAD_JSON"),
        ("bob", {"status_msg": "hello"}, 400, "M_BAD_JSON"),
        ("bob", {"presence": "online", "status_msg": "x" * 1001}, 400, "M_INVALID_PARAM"),
        ("bob", {"presence": "online", "status_msg": None}, 200, None),
    ],
)
async def test_odd_presence_is_refused(
    alice: Person, bob: Person, name: str, body: Any, status: int, code: str
) -> None:
    answer = await bob.put(STATUS.format(name), body)
    assert (answer.status, answer.code) == (status, code)


# The directory


async def found(person: Person, term: str, **more: Any) -> list[str]:
    answer = await person.post("/user_directory/search", {"search_term": term, **more})
    return [each["user_id"] for each in answer["results"]]


async def test_people_are_found_by_name_and_id(alice: Person, bob: Person) -> None:
    field = "displayname"
    await bob.put("/profile/@bob:example.org/displayname", {field: "王小明 Bob ＤＯＢＳ"})
    for term in ("bob", "BO", "ob", "小明", "王", "dobs", "小明 bob", "@bob:example.org", "@bob"):
        assert await found(alice, term) == ["@bob:example.org"], term
    for term in ("", " ", "%", "_", "!", "小红", "@bob:elsewhere.org", "bob alice", "\0"):
        assert await found(alice, term) == [], term


async def test_a_found_person_is_shown_with_their_face(alice: Person, bob: Person) -> None:
    profile = "/profile/@bob:example.org"
    await bob.put(f"{profile}/avatar_url", {"avatar_url": "mxc://example.org/face"})
    answer = await alice.post("/user_directory/search", {"search_term": "bob"})
    assert answer["results"] == [
        {
            "user_id": "@bob:example.org",
            "display_name": "bob",
            "avatar_url": "mxc://example.org/face",
        }
    ]
    await bob.put(f"{profile}/avatar_url", {"avatar_url": "http://example.org/face"})
    await bob.delete(f"{profile}/displayname")
    answer = await alice.post("/user_directory/search", {"search_term": "bob"})
    assert answer["results"] == [{"user_id": "@bob:example.org"}]


async def test_the_best_matches_come_first_and_no_more_than_asked(
    people: People, alice: Person
) -> None:
    for name in ("xann", "ann", "annette", "banner"):
        await people.join(name)
    answer = await alice.post("/user_directory/search", {"search_term": "ann", "limit": 2})
    assert answer["limited"] is True
    assert [each["user_id"] for each in answer["results"]] == [
        "@ann:example.org",
        "@annette:example.org",
    ]
    assert len(await found(alice, "ann")) == 4
    assert await found(alice, "ann", limit=-1) == []


async def test_who_has_left_is_not_found(alice: Person, bob: Person) -> None:
    await bob.post("/account/deactivate", {"auth": bob.proof()})
    assert await found(alice, "bob") == []


# OpenID


async def test_an_openid_token_says_who_one_is(door: Door, people: People, alice: Person) -> None:
    path = "/user/@alice:example.org/openid/request_token"
    answer = await alice.post(path)
    assert (answer["token_type"], answer["matrix_server_name"]) == ("Bearer", "example.org")
    assert answer["expires_in"] == 3600
    userinfo, token = "/_matrix/federation/v1/openid/userinfo", answer["access_token"]
    assert (await door.stranger.get(userinfo, access_token=token)).body == {"sub": alice.user_id}
    assert (await Person(door, {"access_token": token}).get("/account/whoami")).status == 401
    people.clock.move(3_600_000)
    answer = await door.stranger.get(userinfo, access_token=token)
    assert (answer.status, answer.code) == (401, "M_UNKNOWN_TOKEN")
    assert (await door.stranger.get(userinfo)).code == "M_MISSING_TOKEN"


async def test_nobody_gets_an_openid_token_for_others(alice: Person, bob: Person) -> None:
    answer = await bob.post("/user/@alice:example.org/openid/request_token")
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")


# Calls


async def test_turn_credentials_are_signed_and_end(people: People, alice: Person) -> None:
    answer = await alice.get("/voip/turnServer")
    until, _, user_id = answer["username"].partition(":")
    assert int(until) == people.clock.now() // 1000 + answer["ttl"] and user_id == alice.user_id
    signed = hmac.new(b"a secret", answer["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(answer["password"]) == signed
    assert answer["uris"] == ["turn:turn.example.org:3478"]


# Moderation


@pytest.fixture
async def moderator(door: Door, people: People) -> Person:
    await people.accounts.register(
        "@mo:example.org", await people.accounts.hash("a good password"), moderator=True
    )
    return await door.login("mo")


LOCK, SUSPEND = "/_matrix/client/v1/admin/lock/", "/_matrix/client/v1/admin/suspend/"


async def test_a_locked_account_can_only_sign_out(
    door: Door, moderator: Person, alice: Person
) -> None:
    assert (await alice.get("/account/whoami")).status == 200
    assert (await moderator.put(LOCK + alice.user_id, {"locked": True})).body == {"locked": True}
    assert (await moderator.get(LOCK + alice.user_id)).body == {"locked": True}
    answer = await alice.get("/account/whoami")
    assert (answer.status, answer.code, answer["soft_logout"]) == (401, "M_USER_LOCKED", True)
    answer = await door.stranger.post(
        "/login",
        {
            "type": "m.login.password",
            "user": "alice",
            "password": "a good password",
        },
    )
    assert (answer.status, answer.code) == (401, "M_USER_LOCKED")
    await moderator.put(LOCK + alice.user_id, {"locked": False})
    assert (await alice.get("/account/whoami")).status == 200
    await moderator.put(LOCK + alice.user_id, {"locked": True})
    assert (await alice.post("/logout")).status == 200


async def test_a_suspended_account_reads_but_does_not_write(
    moderator: Person, alice: Person
) -> None:
    await moderator.put(SUSPEND + alice.user_id, {"suspended": True})
    answer = await alice.put(f"/profile/{alice.user_id}/displayname", {"displayname": "A"})
    assert (answer.status, answer.code) == (403, "M_USER_SUSPENDED")
    assert (await alice.get("/devices")).status == 200
    await moderator.put(SUSPEND + alice.user_id, {"suspended": False})
    answer = await alice.put(f"/profile/{alice.user_id}/displayname", {"displayname": "A"})
    assert answer.status == 200


@pytest.mark.parametrize("path", [LOCK, SUSPEND])
async def test_moderation_has_its_bounds(
    people: People, moderator: Person, alice: Person, bob: Person, path: str
) -> None:
    body = {"locked": True, "suspended": True}
    await people.accounts.mark(bob.user_id, moderator=True)
    for target, status, code in (
        (moderator.user_id, 403, "M_FORBIDDEN"),
        (bob.user_id, 403, "M_FORBIDDEN"),
        ("@nobody:example.org", 404, "M_NOT_FOUND"),
        ("@alice:elsewhere.org", 400, "M_INVALID_PARAM"),
        ("alice", 400, "M_INVALID_PARAM"),
    ):
        answer = await moderator.put(path + target, body)
        assert (answer.status, answer.code) == (status, code), target
    for target in (bob.user_id, "@nobody:example.org"):
        answer = await alice.put(path + target, body)
        assert (answer.status, answer.code) == (403, "M_FORBIDDEN")
    assert (await moderator.put(path + alice.user_id, {})).code == "M_BAD_JSON"


async def test_whois_is_for_oneself_and_moderators(
    moderator: Person, alice: Person, bob: Person
) -> None:
    path = f"/admin/whois/{alice.user_id}"
    await alice.get("/account/whoami")
    for person in (alice, moderator):
        answer = await person.get(path)
        assert answer["user_id"] == alice.user_id
        (session,) = answer["devices"][alice.device_id]["sessions"]
        assert session["connections"][0]["ip"] == "192.0.2.7"
    assert (await bob.get(path)).code == "M_FORBIDDEN"
    assert (await moderator.get("/admin/whois/@nobody:example.org")).code == "M_NOT_FOUND"


# Discovery


async def test_the_server_says_what_it_is(door: Door, alice: Person, moderator: Person) -> None:
    versions = (await door.stranger.get("/_matrix/client/versions"))["versions"]
    assert "v1.1" in versions and versions[-1] == "v1.19"
    assert (await door.stranger.get("/.well-known/matrix/client")).body == {
        "m.homeserver": {"base_url": "http://example.org"}
    }
    assert (await door.stranger.get("/.well-known/matrix/support")).code == "M_NOT_FOUND"
    answer = await door.stranger.get("/_matrix/client/v1/auth_metadata")
    assert (answer.status, answer.code) == (404, "M_UNRECOGNIZED")
    capabilities = (await alice.get("/capabilities"))["capabilities"]
    rooms = capabilities["m.room_versions"]
    assert rooms["available"][rooms["default"]] == "stable"
    assert "m.account_moderation" not in capabilities
    capabilities = (await moderator.get("/capabilities"))["capabilities"]
    assert capabilities["m.account_moderation"] == {"suspend": True, "lock": True}
    assert (await door.stranger.get("/capabilities")).code == "M_MISSING_TOKEN"
