"""One's devices over HTTP."""

import asyncio

from qingxin.people.sessions import DevicesChanged
from tests.api.door import Door, Person
from tests.people.parts import People


async def test_devices_are_listed_with_where_they_were_seen(
    door: Door, people: People, alice: Person
) -> None:
    await door.login("alice", device_id="LAPTOP", initial_device_display_name="Laptop")
    (phone, laptop) = sorted(
        (await alice.get("/devices"))["devices"], key=lambda each: each["device_id"] == "LAPTOP"
    )
    assert phone == {
        "device_id": alice.device_id,
        "last_seen_ip": "192.0.2.7",
        "last_seen_ts": people.clock.now(),
    }
    assert laptop == {"device_id": "LAPTOP", "display_name": "Laptop"}
    assert (await alice.get(f"/devices/{alice.device_id}")).body == phone


async def test_a_device_is_renamed(alice: Person) -> None:
    path = f"/devices/{alice.device_id}"
    assert (await alice.put(path, {"display_name": "Old phone"})).status == 200
    assert (await alice.get(path))["display_name"] == "Old phone"
    assert (await alice.put(path, {})).status == 200
    assert (await alice.get(path))["display_name"] == "Old phone"


async def test_other_peoples_devices_are_not_there(door: Door, alice: Person, bob: Person) -> None:
    path = f"/devices/{bob.device_id}"
    assert (await alice.get(path)).code == "M_NOT_FOUND"
    assert (await alice.put(path, {"display_name": "Mine"})).code == "M_NOT_FOUND"
    await alice.call("DELETE", path, {"auth": alice.proof()})
    assert (await bob.get(path)).status == 200


async def test_deleting_a_device_asks_for_the_password(door: Door, alice: Person) -> None:
    other = await door.login("alice")
    path = f"/devices/{other.device_id}"
    answer = await alice.call("DELETE", path, raw=b"")
    assert answer.status == 401 and answer["flows"] == [{"stages": ["m.login.password"]}]
    proof = {**alice.proof(), "session": answer["session"]}
    assert (await alice.delete(path, {"auth": proof})).status == 200
    assert (await other.get("/account/whoami")).code == "M_UNKNOWN_TOKEN"
    assert (await alice.get(path)).status == 404
    assert (await alice.delete(path, {"auth": proof})).status == 200


async def test_the_proof_has_to_be_the_owners(door: Door, alice: Person, bob: Person) -> None:
    other = await door.login("alice")
    answer = await alice.delete(f"/devices/{other.device_id}", {"auth": bob.proof()})
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")
    assert (await other.get("/account/whoami")).status == 200


async def test_many_devices_are_deleted_at_once(door: Door, alice: Person) -> None:
    others = await asyncio.gather(*(door.login("alice") for _ in range(3)))
    doomed = [each.device_id for each in others] + ["UNKNOWN"]
    assert (await alice.post("/delete_devices", {"devices": doomed})).status == 401
    body = {"devices": doomed, "auth": alice.proof()}
    assert (await alice.post("/delete_devices", body)).status == 200
    assert [each["device_id"] for each in (await alice.get("/devices"))["devices"]] == [
        alice.device_id
    ]


async def test_the_line_hears_of_devices_that_change(
    door: Door, people: People, alice: Person
) -> None:
    heard = []
    people.line.on(DevicesChanged, lambda number, entry: heard.append(entry.news))
    await alice.put(f"/devices/{alice.device_id}", {"display_name": "Phone"})
    await alice.post("/logout")
    devices = (alice.device_id,)
    assert heard == [
        DevicesChanged(alice.user_id, devices, gone=False),
        DevicesChanged(alice.user_id, devices, gone=True),
    ]
