"""Making an account.

spec: client-server-api/#account-registration-and-management
"""

from tests.stories.answers import refused
from tests.stories.cast import DUMMY, PASSWORD, Person, fresh
from tests.stories.server import Server


async def test_registration_says_first_what_it_wants(server: Server) -> None:
    answer = await server.stranger.call("POST", "/register", {})
    assert answer.status == 401
    assert {"stages": ["m.login.dummy"]} in answer["flows"]
    assert answer["session"]


async def test_a_new_account_is_signed_in(server: Server) -> None:
    name = fresh("newcomer")
    answer = await server.stranger.post(
        "/register", {"username": name, "password": PASSWORD, "device_id": "PHONE", **DUMMY}
    )
    assert answer["user_id"] == f"@{name}:example.org"
    assert answer["device_id"] == "PHONE"
    me = Person(server.http, answer.body)
    assert (await me.get("/account/whoami")).body == {
        "user_id": me.user_id, "device_id": "PHONE", "is_guest": False
    }  # fmt: skip


async def test_the_session_of_the_first_answer_completes_the_registration(server: Server) -> None:
    wish = {"username": fresh("newcomer"), "password": PASSWORD}
    asked = await server.stranger.call("POST", "/register", wish)
    auth = {"type": "m.login.dummy", "session": asked["session"]}
    answer = await server.stranger.post("/register", {**wish, "auth": auth})
    assert answer["access_token"]


async def test_who_does_not_want_to_be_signed_in_gets_no_token(server: Server) -> None:
    wish = {"username": fresh("newcomer"), "password": PASSWORD, "inhibit_login": True, **DUMMY}
    answer = await server.stranger.post("/register", wish)
    assert set(answer.body) == {"user_id"} or "access_token" not in answer.body


async def test_without_a_wished_name_one_is_made_up(server: Server) -> None:
    answer = await server.stranger.post("/register", {"password": PASSWORD, **DUMMY})
    assert answer["user_id"].startswith("@") and answer["user_id"].endswith(":example.org")


async def test_a_taken_name_is_refused(server: Server, alice: Person) -> None:
    with refused(400, "M_USER_IN_USE"):
        await server.register_as(alice.localpart)
    with refused(400, "M_USER_IN_USE"):
        await server.stranger.get("/register/available", username=alice.localpart)


async def test_a_free_name_is_available(server: Server) -> None:
    answer = await server.stranger.get("/register/available", username=fresh("free"))
    assert answer["available"] is True


async def test_capitals_in_names_become_small(server: Server) -> None:
    name = fresh("Loud")
    newcomer = await server.register_as(name)
    assert newcomer.localpart == name.lower()


async def test_names_with_other_signs_are_refused(server: Server) -> None:
    for name in ("two words", "a!b", "a:b", "@a", "é", "名", ""):
        with refused(400, "M_INVALID_USERNAME"):
            await server.register_as(name)


async def test_a_password_is_needed(server: Server) -> None:
    answer = await server.stranger.call(
        "POST", "/register", {"username": fresh("newcomer"), **DUMMY}
    )
    assert answer.status == 400, answer


async def test_guests_are_not_admitted(server: Server) -> None:
    with refused(403, "M_GUEST_ACCESS_FORBIDDEN"):
        await server.stranger.post("/register", {}, kind="guest")


async def test_two_who_want_one_name_do_not_both_get_it(server: Server) -> None:
    import asyncio

    name = fresh("wanted")
    body = {"username": name, "password": PASSWORD, **DUMMY}
    answers = await asyncio.gather(
        *(server.stranger.call("POST", "/register", body) for _ in range(5))
    )
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]
