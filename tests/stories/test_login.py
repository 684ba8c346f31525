"""Signing in, staying signed in, signing out, leaving for good.

spec: client-server-api/#login
"""

from tests.stories.answers import refused
from tests.stories.cast import PASSWORD, Person
from tests.stories.server import Server


async def test_the_server_says_how_one_signs_in(server: Server) -> None:
    flows = (await server.stranger.get("/login"))["flows"]
    assert "m.login.password" in [flow["type"] for flow in flows]


async def test_one_signs_in_by_name_or_by_user_id(server: Server, alice: Person) -> None:
    for name in (alice.localpart, alice.user_id, alice.localpart.upper()):
        again = await server.login(name)
        assert again.user_id == alice.user_id
        assert again.device_id != alice.device_id


async def test_old_clients_name_the_user_beside_the_password(server: Server, alice: Person) -> None:
    body = {"type": "m.login.password", "user": alice.localpart, "password": PASSWORD}
    assert (await server.stranger.post("/login", body))["user_id"] == alice.user_id


async def test_a_wrong_password_is_refused(server: Server, alice: Person) -> None:
    with refused(403, "M_FORBIDDEN"):
        await server.login(alice.localpart, "wrong")


async def test_somebody_unknown_is_refused_like_a_wrong_password(server: Server) -> None:
    with refused(403, "M_FORBIDDEN"):
        await server.login("nobody-at-all")


async def test_an_unknown_kind_of_login_is_refused(server: Server) -> None:
    with refused(400, "M_UNKNOWN"):
        await server.stranger.post("/login", {"type": "m.login.guess", "password": "x"})


async def test_a_known_device_that_signs_in_again_loses_its_old_token(
    server: Server, alice: Person
) -> None:
    again = await server.login(alice.user_id, device_id=alice.device_id)
    assert again.device_id == alice.device_id
    assert (await again.get("/account/whoami"))["device_id"] == alice.device_id
    with refused(401, "M_UNKNOWN_TOKEN"):
        await alice.get("/account/whoami")


async def test_signing_out_ends_one_session_only(alice: Person) -> None:
    phone = await alice.on_another_device()
    await phone.post("/logout")
    with refused(401, "M_UNKNOWN_TOKEN"):
        await phone.get("/account/whoami")
    await alice.get("/account/whoami")


async def test_signing_out_everywhere_ends_all(alice: Person) -> None:
    phone = await alice.on_another_device()
    await phone.post("/logout/all")
    for device in (alice, phone):
        with refused(401, "M_UNKNOWN_TOKEN"):
            await device.get("/account/whoami")


async def test_a_new_password_replaces_the_old_one_and_ends_other_sessions(
    server: Server, alice: Person
) -> None:
    phone = await alice.on_another_device()
    body = {"new_password": "another good password"}
    asked = await alice.call("POST", "/account/password", body)
    assert asked.status == 401 and asked["flows"]
    await alice.post("/account/password", {**body, "auth": alice.proof()})
    with refused(403, "M_FORBIDDEN"):
        await server.login(alice.user_id)
    await server.login(alice.user_id, "another good password")
    await alice.get("/account/whoami")
    with refused(401, "M_UNKNOWN_TOKEN"):
        await phone.get("/account/whoami")


async def test_other_sessions_may_outlive_a_new_password(alice: Person) -> None:
    phone = await alice.on_another_device()
    body = {"new_password": "another", "logout_devices": False, "auth": alice.proof()}
    await alice.post("/account/password", body)
    await phone.get("/account/whoami")


async def test_a_wrong_password_does_not_prove_who_one_is(alice: Person) -> None:
    body = {"new_password": "another", "auth": alice.proof("wrong")}
    with refused(401, "M_FORBIDDEN") as refusal:
        await alice.post("/account/password", body)
    assert refusal.answer["flows"]


async def test_nobody_proves_with_somebody_elses_password(alice: Person, bob: Person) -> None:
    body = {"new_password": "another", "auth": bob.proof()}
    answer = await alice.call("POST", "/account/password", body)
    assert answer.status in (401, 403), answer


async def test_a_session_is_refreshed_with_its_refresh_token(alice: Person) -> None:
    phone = await alice.on_another_device(refresh_token=True)
    assert phone.session["expires_in_ms"] > 0
    new = await phone.post("/refresh", {"refresh_token": phone.session["refresh_token"]})
    renewed = Person(phone.http, phone.session | new.body)
    assert renewed.token != phone.token
    assert (await renewed.get("/account/whoami"))["device_id"] == phone.device_id
    with refused(401, "M_UNKNOWN_TOKEN"):
        await phone.post("/refresh", {"refresh_token": "no such token"})


async def test_devices_are_listed_named_and_removed(alice: Person) -> None:
    phone = await alice.on_another_device(initial_device_display_name="Phone")
    devices = {d["device_id"]: d for d in (await alice.get("/devices"))["devices"]}
    assert set(devices) == {alice.device_id, phone.device_id}
    assert devices[phone.device_id]["display_name"] == "Phone"
    await alice.put(f"/devices/{phone.device_id}", {"display_name": "Old phone"})
    assert (await alice.get(f"/devices/{phone.device_id}"))["display_name"] == "Old phone"
    asked = await alice.call("DELETE", f"/devices/{phone.device_id}", {})
    assert asked.status == 401
    await alice.delete(f"/devices/{phone.device_id}", {"auth": alice.proof()})
    with refused(404, "M_NOT_FOUND"):
        await alice.get(f"/devices/{phone.device_id}")
    with refused(401, "M_UNKNOWN_TOKEN"):
        await phone.get("/account/whoami")


async def test_several_devices_are_removed_at_once(alice: Person) -> None:
    phones = [await alice.on_another_device() for _ in range(3)]
    ids = [phone.device_id for phone in phones]
    await alice.post("/delete_devices", {"devices": ids, "auth": alice.proof()})
    devices = [d["device_id"] for d in (await alice.get("/devices"))["devices"]]
    assert devices == [alice.device_id]


async def test_a_closed_account_is_gone(server: Server, alice: Person, bob: Person) -> None:
    room = await bob.creates(alice)
    asked = await alice.call("POST", "/account/deactivate", {})
    assert asked.status == 401 and asked["flows"]
    await alice.post("/account/deactivate", {"auth": alice.proof()})
    with refused(401, "M_UNKNOWN_TOKEN"):
        await alice.get("/account/whoami")
    with refused(403, "M_USER_DEACTIVATED"):
        await server.login(alice.user_id)
    with refused(400, "M_USER_IN_USE"):
        await server.register_as(alice.localpart)
    assert await bob.membership(room, alice) == "leave"
