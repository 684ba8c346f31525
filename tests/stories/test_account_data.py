"""What an app keeps with the account: data, tags, the mark of unread.

spec: client-server-api/#client-config
"""

import asyncio

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.test_sync import SOON, waiting


async def test_data_are_kept_by_type(alice: Person) -> None:
    await alice.keeps("org.example.colour", {"colour": "green"})
    assert await alice.kept("org.example.colour") == {"colour": "green"}
    await alice.keeps("org.example.colour", {"colour": "red"})
    assert await alice.kept("org.example.colour") == {"colour": "red"}
    with refused(404, "M_NOT_FOUND"):
        await alice.kept("org.example.shape")


async def test_data_are_kept_by_room_too(alice: Person) -> None:
    room, other = await alice.creates(), await alice.creates()
    await alice.keeps("org.example.colour", {"colour": "green"}, room)
    assert await alice.kept("org.example.colour", room) == {"colour": "green"}
    for where in (other, None):
        with refused(404, "M_NOT_FOUND"):
            await alice.kept("org.example.colour", where)


async def test_nobody_reads_or_writes_somebody_elses_data(alice: Person, bob: Person) -> None:
    path = f"/user/{part(alice.user_id)}/account_data/org.example.colour"
    with refused(403, "M_FORBIDDEN"):
        await bob.put(path, {})
    with refused(403, "M_FORBIDDEN"):
        await bob.get(path)


async def test_data_come_with_sync_first_all_and_then_the_new(alice: Person) -> None:
    room = await alice.creates()
    await alice.keeps("org.example.a", {"v": 1})
    await alice.keeps("org.example.b", {"v": 1}, room)
    news = await alice.hears()
    assert news.account_data()["org.example.a"] == {"v": 1}
    assert news.account_data(room) == {"org.example.b": {"v": 1}}
    assert (await alice.hears()).account_data() == {}
    await alice.keeps("org.example.a", {"v": 2})
    assert (await alice.hears()).account_data() == {"org.example.a": {"v": 2}}
    await alice.keeps("org.example.b", {"v": 2}, room)
    news = await alice.hears()
    assert news.account_data(room) == {"org.example.b": {"v": 2}}
    assert news.timeline(room) == []


async def test_other_devices_wake_for_new_data(alice: Person) -> None:
    phone = await alice.on_another_device()
    await phone.hears()
    task = await waiting(phone)
    await alice.keeps("org.example.a", {"v": 1})
    news = await asyncio.wait_for(task, SOON)
    assert news.account_data() == {"org.example.a": {"v": 1}}


async def test_nobody_else_hears_of_it(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await alice.keeps("org.example.a", {"v": 1})
    await alice.keeps("org.example.a", {"v": 1}, room)
    news = await bob.hears()
    assert news.account_data() == {} and news.rooms() == {}


@pytest.mark.parametrize("type", ["m.fully_read", "m.push_rules"])
async def test_some_types_have_endpoints_of_their_own(alice: Person, type: str) -> None:
    room = await alice.creates()
    where = [f"/user/{part(alice.user_id)}/rooms/{part(room)}/account_data/{type}"]
    if type == "m.push_rules":
        where = [f"/user/{part(alice.user_id)}/account_data/{type}"]
    for path in where:
        answer = await alice.call("PUT", path, {})
        assert (answer.status, answer.code) == (405, "M_BAD_JSON"), answer


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"x"', b"null"])
async def test_data_are_objects(alice: Person, raw: bytes) -> None:
    path = f"/user/{part(alice.user_id)}/account_data/org.example.a"
    answer = await alice.call("PUT", path, raw=raw)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer


async def test_rooms_get_tags_with_an_order(alice: Person) -> None:
    room = await alice.creates()
    base = f"/user/{part(alice.user_id)}/rooms/{part(room)}/tags"
    assert (await alice.get(base)).body == {"tags": {}}
    await alice.put(f"{base}/m.favourite", {"order": 0.25})
    await alice.put(f"{base}/u.work", {})
    tags = {"m.favourite": {"order": 0.25}, "u.work": {}}
    assert (await alice.get(base)).body == {"tags": tags}
    assert (await alice.hears()).account_data(room)["m.tag"] == {"tags": tags}
    await alice.delete(f"{base}/u.work")
    assert (await alice.hears()).account_data(room)["m.tag"] == {
        "tags": {"m.favourite": {"order": 0.25}}
    }


async def test_tags_are_their_owners_only(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.put(f"/user/{part(alice.user_id)}/rooms/{part(room)}/tags/x", {})
    await alice.put(f"/user/{part(alice.user_id)}/rooms/{part(room)}/tags/x", {})
    path = f"/user/{part(bob.user_id)}/rooms/{part(room)}/tags"
    assert (await bob.get(path)).body == {"tags": {}}


async def test_many_tags_set_at_once_are_all_kept(alice: Person) -> None:
    room = await alice.creates()
    base = f"/user/{part(alice.user_id)}/rooms/{part(room)}/tags"
    await asyncio.gather(*(alice.put(f"{base}/u.{i}", {"order": i / 10}) for i in range(8)))
    assert len((await alice.get(base))["tags"]) == 8


async def test_a_room_marked_unread_is_so_on_all_devices(alice: Person) -> None:
    room = await alice.creates()
    phone = await alice.on_another_device()
    await phone.hears()
    await alice.keeps("m.marked_unread", {"unread": True}, room)
    assert (await phone.hears()).account_data(room)["m.marked_unread"] == {"unread": True}


async def test_direct_chats_are_remembered(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, is_direct=True)
    await alice.keeps("m.direct", {bob.user_id: [room]})
    assert (await alice.sync()).account_data()["m.direct"] == {bob.user_id: [room]}
