"""Watchers miss nothing: not while their rooms are read, not after a reset."""

import asyncio

import pytest

from qingxin.log.event import MEMBER, Event
from qingxin.log.feed import IDLE, Feed
from qingxin.store.line import Record

ALICE = "@alice:example.org"


class Rooms:
    """The database's word on who is where, which comes when the test says so."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[list[str]]] = []

    async def joined(self, user_id: str) -> list[str]:
        answer: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        return await answer


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
def feed(rooms: Rooms) -> Feed:
    return Feed(rooms.joined)


def event(position: int, room_id: str, membership: str | None = None) -> Event:
    content = b'{"membership":"%s"}' % membership.encode() if membership else b"{}"
    return Event(
        shard=0, position=position, room_id=room_id, event_id=f"${position}",
        type=MEMBER if membership else "m.room.message", state_key=ALICE if membership else None,
        sender=ALICE, ts=0, content=content, unsigned=b"", redacts=None, redacted_by=None,
        rel_type=None, rel_to=None, thread=None, related=0, device_id=None, txn_id=None,
    )  # fmt: skip


async def asked(rooms: Rooms, times: int) -> None:
    while len(rooms.answers) < times:
        await asyncio.sleep(0)


async def test_two_devices_at_once_share_a_watcher_that_knows_its_rooms(
    feed: Feed, rooms: Rooms
) -> None:
    watching = [asyncio.create_task(feed.watch(ALICE)) for _ in range(2)]
    await asked(rooms, 1)
    await asyncio.sleep(0)
    assert not any(task.done() for task in watching)
    rooms.answers[0].set_result(["!a"])
    first, second = await asyncio.gather(*watching)
    assert first is second
    assert first.rooms == {"!a"}
    assert len(rooms.answers) == 1


async def test_what_is_said_while_rooms_are_read_is_not_taken_as_told(
    feed: Feed, rooms: Rooms
) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    feed.events([event(7, "!a")])
    rooms.answers[0].set_result(["!a"])
    watcher = await watching
    assert watcher.since == 7  # whoever asks from before looks into the database
    feed.events([event(8, "!a")])
    assert watcher.news_after(7) == ["!a"]


async def test_memberships_that_come_meanwhile_are_newer_than_what_is_read(
    feed: Feed, rooms: Rooms
) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    feed.events([event(1, "!left", "leave"), event(2, "!joined", "join")])
    rooms.answers[0].set_result(["!left", "!old"])
    assert (await watching).rooms == {"!joined", "!old"}


async def test_a_reset_while_rooms_are_read_reads_them_again(feed: Feed, rooms: Rooms) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    feed.reset(50)
    rooms.answers[0].set_result(["!old"])
    await asked(rooms, 2)
    rooms.answers[1].set_result(["!new"])
    watcher = await watching
    assert (watcher.rooms, watcher.since) == ({"!new"}, 50)
    assert await feed.watch(ALICE) is watcher


async def test_a_reset_rings_and_makes_new_watchers(feed: Feed, rooms: Rooms) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    rooms.answers[0].set_result(["!a"])
    watcher = await watching
    with feed.listen(watcher) as bell:
        feed.reset(9)
        assert await bell.ring(1)
    again = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 2)
    rooms.answers[1].set_result(["!a"])
    assert await again is not watcher


async def test_a_watcher_whose_rooms_cannot_be_read_is_none(feed: Feed, rooms: Rooms) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    feed.events([event(1, "!a", "join")])
    rooms.answers[0].set_exception(ConnectionError())
    with pytest.raises(ConnectionError):
        await watching
    assert feed.online("!a") == []
    again = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 2)
    rooms.answers[1].set_result(["!a"])
    assert (await again).rooms == {"!a"}


async def test_whoever_never_listens_is_not_watched_for_ever(feed: Feed, rooms: Rooms) -> None:
    watching = asyncio.create_task(feed.watch(ALICE))
    await asked(rooms, 1)
    rooms.answers[0].set_result(["!a"])
    await watching
    feed.sweep(asyncio.get_running_loop().time() + IDLE + 1)
    assert feed.online("!a") == []


async def test_the_rooms_of_a_guest_are_known_for_a_while(feed: Feed, rooms: Rooms) -> None:
    meeting = asyncio.create_task(feed.acquaint(ALICE))
    await asked(rooms, 1)
    feed.events([event(1, "!left", "leave")])
    rooms.answers[0].set_result(["!left", "!a"])
    await meeting
    assert feed.rooms_of(ALICE) == {"!a"}
    feed.events([event(2, "!b", "join"), event(3, "!a", "leave")])
    assert feed.rooms_of(ALICE) == {"!b"}
    await feed.acquaint(ALICE)
    assert len(rooms.answers) == 1
    feed.entry(4, Record(lambda number: [], user_id=ALICE))  # nobody is watched: nothing happens
    feed.sweep(asyncio.get_running_loop().time() + IDLE + 1)
    assert feed.rooms_of(ALICE) == set()
