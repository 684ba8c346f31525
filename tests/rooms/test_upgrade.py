"""A room is replaced by one of another version, and everything goes along."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from qingxin.clock import HandClock
from qingxin.jobs import GRACE
from qingxin.rooms import moving
from qingxin.rooms.upgrade import Upgrades
from qingxin.store.database import Database
from tests.rooms.house import Answer, Guest, House, ok, refused

V1 = "/_matrix/client/v1"
KEPT: dict[str, dict[str, Any]] = {
    "m.room.join_rules": {"join_rule": "knock"},
    "m.room.history_visibility": {"history_visibility": "joined"},
    "m.room.guest_access": {"guest_access": "can_join"},
    "m.room.name": {"name": "Tea"},
    "m.room.topic": {"topic": "Leaves"},
    "m.room.avatar": {"url": "mxc://example.org/leaf"},
    "m.room.encryption": {"algorithm": "m.megolm.v1.aes-sha2"},
    "m.room.server_acl": {"allow": ["*"], "deny": ["spam.example.com"]},
}


async def upgrade(guest: Guest, room: str, version: str = "11", **more: Any) -> Answer:
    return await guest.post(f"/rooms/{room}/upgrade", {"new_version": version, **more})


async def replaced(guest: Guest, room: str, version: str = "11", **more: Any) -> str:
    return str(ok(await upgrade(guest, room, version, **more))["replacement_room"])


async def test_the_rooms_point_at_each_other(alice: Guest) -> None:
    room = await alice.room(room_version="9", creation_content={"type": "m.space"})
    new = await replaced(alice, room)
    create = await alice.state(new, "m.room.create")
    assert create["room_version"] == "11"
    assert create["type"] == "m.space"
    query = f"/rooms/{room}/state/m.room.tombstone/?format=event"
    tombstone = ok(await alice.get(query))
    assert create["predecessor"] == {"room_id": room, "event_id": tombstone["event_id"]}
    assert tombstone["content"]["replacement_room"] == new
    assert ok(await alice.get("/joined_rooms"))["joined_rooms"] in ([room, new], [new, room])


async def test_its_settings_go_along(alice: Guest) -> None:
    room = await alice.room(room_version="10")
    for type, content in KEPT.items():
        ok(await alice.set(room, type, content))
    ok(await alice.set(room, "org.example.other", {"a": 1}))
    new = await replaced(alice, room)
    for type, content in KEPT.items():
        assert await alice.state(new, type) == content
    refused(await alice.get(f"/rooms/{new}/state/org.example.other"), 404, "M_NOT_FOUND")


async def test_its_power_levels_go_along_and_the_old_room_falls_silent(
    alice: Guest, bob: Guest
) -> None:
    room = await alice.room(preset="public_chat", room_version="10")
    await bob.join(room)
    levels = await alice.state(room, "m.room.power_levels")
    levels |= {"users": {alice.user_id: 100, bob.user_id: 20}, "users_default": 60, "invite": 70}
    ok(await alice.set(room, "m.room.power_levels", levels))
    new = await replaced(alice, room)
    assert await alice.state(new, "m.room.power_levels") == levels
    quiet = levels | {"events_default": 61}
    assert await alice.state(room, "m.room.power_levels") == quiet
    refused(await bob.put(f"/rooms/{room}/send/m.room.message/1", {}), 403, "M_FORBIDDEN")


async def test_levels_written_as_text_become_whole_numbers(alice: Guest) -> None:
    room = await alice.room(room_version="9")
    levels = await alice.state(room, "m.room.power_levels")
    odd = levels | {"users_default": "5", "events": {"m.room.name": " 50 ", "a": "b"}}
    odd["notifications"] = {"room": "20"}
    ok(await alice.set(room, "m.room.power_levels", odd))
    new = await replaced(alice, room)
    assert await alice.state(new, "m.room.power_levels") == levels | {
        "users_default": 5, "events": {"m.room.name": 50}, "notifications": {"room": 20},
    }  # fmt: skip


async def test_bans_go_along(alice: Guest, bob: Guest) -> None:
    room = await alice.room(preset="public_chat", room_version="10")
    ok(await alice.post(f"/rooms/{room}/ban", {"user_id": bob.user_id, "reason": "spam"}))
    new = await replaced(alice, room)
    banned = await alice.state(new, "m.room.member", bob.user_id)
    assert (banned["membership"], banned["reason"]) == ("ban", "spam")
    refused(await bob.post(f"/join/{new}"), 403, "M_FORBIDDEN")


async def test_a_space_keeps_its_children(alice: Guest) -> None:
    room = await alice.room(room_version="10", creation_content={"type": "m.space"})
    child = {"via": ["example.org"], "order": "a"}
    ok(await alice.set(room, "m.space.child", child, "!kept:example.org"))
    ok(await alice.set(room, "m.space.child", child, "!gone:example.org"))
    ok(await alice.set(room, "m.space.child", {}, "!gone:example.org"))
    new = await replaced(alice, room)
    events = ok(await alice.get(f"/rooms/{new}/state")).body
    children = {e["state_key"]: e["content"] for e in events if e["type"] == "m.space.child"}
    assert children == {"!kept:example.org": child}


async def test_aliases_and_the_place_on_the_list_go_along(alice: Guest, bob: Guest) -> None:
    room = await alice.room(visibility="public", room_alias_name="tea", room_version="10")
    await bob.join(room)
    alias = "/directory/room/" + quote("#cha:example.org", safe="")
    ok(await bob.put(alias, {"room_id": room}))
    claim = {"alias": "#tea:example.org", "alt_aliases": ["#cha:example.org"]}
    ok(await alice.set(room, "m.room.canonical_alias", claim))
    new = await replaced(alice, room)
    assert ok(await bob.get(alias))["room_id"] == new
    assert await alice.state(new, "m.room.canonical_alias") == claim
    assert await alice.state(room, "m.room.canonical_alias") == {}
    assert [each["room_id"] for each in ok(await bob.get("/publicRooms"))["chunk"]] == [new]


async def test_a_room_that_is_not_listed_stays_unlisted(alice: Guest) -> None:
    new = await replaced(alice, await alice.room(preset="public_chat"))
    assert ok(await alice.get(f"/directory/list/room/{new}"))["visibility"] == "private"


@pytest.mark.parametrize("at_once", [50, 1])
async def test_what_members_keep_goes_along(
    alice: Guest, bob: Guest, database: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(moving, "AT_ONCE", at_once)
    room = await alice.room(preset="public_chat", room_version="10")
    await bob.join(room)
    user = f"/user/{bob.user_id}"
    ok(await bob.put(f"{user}/rooms/{room}/tags/m.favourite", {"order": 0.5}))
    direct = {alice.user_id: [room], "@dave:example.org": ["!other:example.org"], "odd": 3}
    ok(await bob.put(f"{user}/account_data/m.direct", direct))
    ok(await bob.put(f"/pushrules/global/room/{room}", {"actions": []}))
    new = await replaced(alice, room)
    while await database.one("SELECT job_id FROM jobs"):
        await asyncio.sleep(0.01)
    tags = ok(await bob.get(f"{user}/rooms/{new}/tags"))["tags"]
    assert tags == {"m.favourite": {"order": 0.5}}
    moved = direct | {alice.user_id: [room, new]}
    assert ok(await bob.get(f"{user}/account_data/m.direct")).body == moved
    assert ok(await bob.get(f"/pushrules/global/room/{new}"))["actions"] == []


async def test_only_whoever_may_end_a_room_may_replace_it(alice: Guest, bob: Guest) -> None:
    room = await alice.room(preset="public_chat", room_version="10")
    refused(await upgrade(bob, room), 403, "M_FORBIDDEN")
    await bob.join(room)
    refused(await upgrade(bob, room), 403, "M_FORBIDDEN")
    refused(await upgrade(alice, room, "99"), 400, "M_UNSUPPORTED_ROOM_VERSION")
    refused(await upgrade(alice, "!no:example.org"), 404, "M_NOT_FOUND")
    refused(await alice.post(f"/rooms/{room}/upgrade", {}), 400, "M_BAD_JSON")
    refused(await alice.get(f"/rooms/{room}/state/m.room.tombstone"), 404, "M_NOT_FOUND")
    assert ok(await alice.get("/joined_rooms"))["joined_rooms"] == [room]


async def test_whoever_asks_twice_at_once_gets_one_replacement(alice: Guest, bob: Guest) -> None:
    room = await alice.room(preset="public_chat", room_version="10")
    await bob.join(room)
    first, second, third = await asyncio.gather(
        upgrade(alice, room), upgrade(alice, room), upgrade(bob, room)
    )
    assert ok(first).body == ok(second).body
    refused(third, 400, "M_UNKNOWN")
    new = await replaced(alice, room)
    assert new != first["replacement_room"]


async def test_a_moderator_replaces_a_room_and_stays_one(alice: Guest, bob: Guest) -> None:
    room = await alice.room(preset="public_chat", room_version="10")
    await bob.join(room)
    levels = await alice.state(room, "m.room.power_levels")
    levels["users"][bob.user_id] = 50
    levels["events"]["m.room.tombstone"] = 50
    levels["events"]["m.room.name"] = 80
    ok(await alice.set(room, "m.room.name", {"name": "Tea"}))
    ok(await alice.set(room, "m.room.power_levels", levels))
    new = await replaced(bob, room)
    assert await bob.state(new, "m.room.power_levels") == levels
    assert await bob.state(new, "m.room.name") == {"name": "Tea"}
    refused(await bob.set(new, "m.room.name", {"name": "Mine"}), 403, "M_FORBIDDEN")


async def test_in_version_12_creators_are_named_anew(
    alice: Guest, bob: Guest, carol: Guest
) -> None:
    levels = {"users": {alice.user_id: 100, bob.user_id: 100, carol.user_id: 50}}
    room = await alice.room(room_version="11", power_level_content_override=levels)
    new = await replaced(alice, room, "12", additional_creators=[bob.user_id, bob.user_id])
    create = await alice.state(new, "m.room.create")
    assert create["additional_creators"] == [bob.user_id]
    assert create["predecessor"] == {"room_id": room}
    assert ":" not in new
    assert (await alice.state(new, "m.room.power_levels"))["users"] == {carol.user_id: 50}
    newer = await replaced(alice, new, "12")
    assert "additional_creators" not in await alice.state(newer, "m.room.create")
    older = await replaced(alice, new, "11")
    users = (await alice.state(older, "m.room.power_levels"))["users"]
    assert users == {alice.user_id: 100, bob.user_id: 100, carol.user_id: 50}


async def test_strange_creators_are_refused_where_there_are_any(alice: Guest) -> None:
    room = await alice.room()
    refused(await upgrade(alice, room, "12", additional_creators=["bob"]), 400, "M_INVALID_PARAM")
    refused(await upgrade(alice, room, "12", additional_creators="bob"), 400, "M_BAD_JSON")
    await replaced(alice, room, "11", additional_creators=["bob"])


async def test_a_room_is_not_replaced_by_itself(alice: Guest) -> None:
    room = await alice.room()
    tombstone = {"body": "gone", "replacement_room": room}
    refused(await alice.set(room, "m.room.tombstone", tombstone), 400, "M_INVALID_PARAM")


STEPS = ["_found", "_move_names", "_quiet"]


@pytest.mark.parametrize("step", STEPS)
async def test_an_upgrade_that_a_crash_interrupts_is_finished_later(
    database: Database,
    tmp_path: Path,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    real = getattr(Upgrades, step)

    async def crash(upgrades: Upgrades, plan: Any) -> None:
        await real(upgrades, plan)
        raise RuntimeError("power cut")

    async with House.open(database, tmp_path, clock) as house:
        alice = await house.register("alice")
        room = await alice.room(room_alias_name="tea", room_version="10")
        with monkeypatch.context() as patch:
            patch.setattr(Upgrades, step, crash)
            assert (await upgrade(alice, room)).status == 500
    clock.move(GRACE)
    async with House.open(database, tmp_path, clock) as house:
        alice._door = house  # type: ignore[assignment]
        while await database.one("SELECT job_id FROM jobs"):
            await asyncio.sleep(0.01)
        new = (await alice.state(room, "m.room.tombstone"))["replacement_room"]
        assert await alice.state(new, "m.room.canonical_alias") == {"alias": "#tea:example.org"}
        assert await alice.state(room, "m.room.canonical_alias") == {}
        assert (await alice.state(room, "m.room.power_levels"))["events_default"] == 50
        assert len(ok(await alice.get("/joined_rooms"))["joined_rooms"]) == 2
