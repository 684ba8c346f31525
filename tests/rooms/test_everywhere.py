"""A changed face shows in every room, and whoever closes their account leaves them all."""

import asyncio
from pathlib import Path

import pytest

from qingxin.clock import HandClock
from qingxin.jobs import GRACE
from qingxin.rooms import everywhere
from qingxin.store.database import Database
from tests.rooms.house import Guest, House, ok

ME = "/profile/@alice:example.org"


async def jobs_done(database: Database) -> None:
    while await database.one("SELECT job_id FROM jobs"):
        await asyncio.sleep(0.01)


async def face(guest: Guest, room_id: str) -> tuple[str | None, str | None]:
    member = await guest.state(room_id, "m.room.member", guest.user_id)
    return member.get("displayname"), member.get("avatar_url")


async def test_a_new_name_shows_at_once_where_its_owner_is(alice: Guest, bob: Guest) -> None:
    room, left = await alice.room(), await alice.room()
    other = await bob.room(invite=[alice.user_id])
    ok(await alice.post(f"/rooms/{left}/leave"))
    ok(await alice.put(f"{ME}/displayname", {"displayname": "Alice A."}))
    ok(await alice.put(f"{ME}/avatar_url", {"avatar_url": "mxc://example.org/a"}))
    assert await face(alice, room) == ("Alice A.", "mxc://example.org/a")
    ok(await alice.delete(f"{ME}/avatar_url"))
    assert await face(alice, room) == ("Alice A.", None)
    invitation = await bob.state(other, "m.room.member", alice.user_id)
    assert (invitation["membership"], invitation["displayname"]) == ("invite", "alice")


async def test_a_new_name_reaches_the_other_rooms_soon(
    alice: Guest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everywhere, "AT_ONCE", 2)
    rooms = [await alice.room() for _ in range(5)]
    ok(await alice.put(f"{ME}/displayname", {"displayname": "Alice A."}))
    await jobs_done(database)
    assert {(await face(alice, room))[0] for room in rooms} == {"Alice A."}


async def test_a_room_that_shows_the_face_already_is_left_alone(house: House, alice: Guest) -> None:
    room = await alice.room()
    ok(await alice.put(f"{ME}/displayname", {"displayname": "Alice A."}))
    before = house.app.line.number
    await house.app.everywhere.show_profile(alice.user_id)
    assert house.app.line.number == before
    assert (await face(alice, room))[0] == "Alice A."


async def test_a_name_changed_just_before_a_crash_shows_after_it(
    database: Database, tmp_path: Path, clock: HandClock
) -> None:
    async with House.open(database, tmp_path, clock) as house:
        alice = await house.register("alice")
        room = await alice.room()
        await house.app.profiles.set(alice.user_id, "displayname", "Alice A.")
        assert (await face(alice, room))[0] == "alice"
    clock.move(GRACE)
    async with House.open(database, tmp_path, clock) as house:
        alice._door = house  # type: ignore[assignment]
        await jobs_done(database)
        assert (await face(alice, room))[0] == "Alice A."


async def test_whoever_closes_their_account_leaves_every_room(
    alice: Guest, bob: Guest, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(everywhere, "AT_ONCE", 1)
    rooms = [await bob.room(invite=[alice.user_id], preset="public_chat") for _ in range(3)]
    await alice.join(rooms[0])
    await alice.join(rooms[1])
    ok(await alice.post("/account/deactivate", {"auth": alice.proof()}))
    await jobs_done(database)
    for room in rooms:
        member = await bob.state(room, "m.room.member", alice.user_id)
        assert member["membership"] == "leave"
