"""Followers see every event, in order, and go on where they were."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from qingxin.clock import HandClock
from qingxin.log import follow
from qingxin.log.event import Event
from qingxin.log.follow import LEASE, Follower
from qingxin.store.database import Database
from qingxin.store.line import Record
from tests.log.parts import Process


class Reader:
    """Writes down what it was shown; `fail` says how often it cannot read first."""

    def __init__(self, fail: int = 0) -> None:
        self.seen: list[str] = []
        self.fail = fail
        self._news = asyncio.Event()

    async def take(self, events: Sequence[Event]) -> None:
        self._news.set()
        if self.fail:
            self.fail -= 1
            raise RuntimeError("no glasses")
        self.seen += [event.decoded().get("body", event.type) for event in events]

    async def has_seen(self, *texts: str) -> None:
        while self.seen[-len(texts) :] != list(texts):
            self._news.clear()
            await self._news.wait()


def follower(process: Process, reader: Reader, **wish: Any) -> Follower:
    return Follower(
        "reader", reader.take, log=process.log, feed=process.feed, database=process.database,
        clock=process.clock, **wish,
    )  # fmt: skip


@asynccontextmanager
async def following(*followers: Follower) -> AsyncIterator[None]:
    running = [asyncio.create_task(each.run()) for each in followers]
    yield
    for task in running:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def saved(database: Database, position: int) -> None:
    while await database.one("SELECT position FROM cursors") != (position,):
        await asyncio.sleep(0.01)


async def test_a_follower_of_the_whole_log_begins_with_its_first_event(process: Process) -> None:
    reader = Reader()
    await process.say("one")
    async with following(follower(process, reader, whole=True)):
        await reader.has_seen("m.room.create", "m.room.member", "one")
        await process.say("two")
        await process.say("three")
        await reader.has_seen("two", "three")
    assert reader.seen == ["m.room.create", "m.room.member", "one", "two", "three"]


async def test_a_new_follower_begins_with_what_comes_after(process: Process) -> None:
    reader = Reader()
    before = await process.say("before")
    async with following(follower(process, reader)):
        await saved(process.database, before.position)
        await process.say("after")
        await reader.has_seen("after")
    assert reader.seen == ["after"]


async def test_a_follower_goes_on_where_it_was(process: Process) -> None:
    first, second = Reader(), Reader()
    async with following(follower(process, first, whole=True)):
        last = await process.say("one")
        await first.has_seen("one")
        await saved(process.database, last.position)
    await process.say("while away")
    async with following(follower(process, second, whole=True)):
        await process.say("again there")
        await second.has_seen("while away", "again there")
    assert second.seen == ["while away", "again there"]


async def test_what_was_taken_but_not_saved_is_taken_again(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, survivor = Reader(), Reader()

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    await process.say("one")
    dying = follower(process, killed, whole=True)
    monkeypatch.setattr(dying, "_save", die)
    with pytest.raises(asyncio.CancelledError):
        await dying.run()
    async with following(follower(process, survivor, whole=True)):
        await survivor.has_seen("one")
    assert killed.seen == survivor.seen


async def test_another_process_takes_over_when_the_lease_has_run_out(
    process: Process, database: Database, clock: HandClock
) -> None:
    killed, survivor = Reader(), Reader()
    dying = follower(process, killed, whole=True)
    assert await dying._step()
    async with Process.open(database, clock) as other:
        heir = follower(other, survivor, whole=True)
        await process.say("unseen")
        await other.line.refresh()
        assert not await heir._step()
        clock.move(LEASE)
        assert await heir._step()
        assert survivor.seen == ["unseen"]
        await process.say("late")
        assert not await dying._step()
        assert killed.seen == ["m.room.create", "m.room.member"]


async def test_a_follower_whose_lease_was_taken_over_learns_where_the_other_is(
    process: Process, database: Database, clock: HandClock
) -> None:
    slow, quick = Reader(), Reader()
    first = follower(process, slow, whole=True)
    assert await first._step()
    async with Process.open(database, clock) as other:
        clock.move(LEASE)
        second = follower(other, quick, whole=True)
        await other.say("one")
        assert await second._step()
        clock.move(LEASE)
        await process.line.refresh()
        await process.say("two")
        assert await first._step()
    assert quick.seen == ["one"]
    assert slow.seen[2:] == ["two"]


async def test_events_that_cannot_be_taken_are_tried_again_in_their_order(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    rest = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await rest(0 if seconds != LEASE / 3000 else seconds)

    monkeypatch.setattr(follow.asyncio, "sleep", sleep)
    reader = Reader(fail=3)
    await process.say("one")
    async with following(follower(process, reader, whole=True)):
        await process.say("two")
        await reader.has_seen("one", "two")
    assert reader.seen == ["m.room.create", "m.room.member", "one", "two"]
    assert [pause for pause in pauses if pause in (1, 2, 4)] == [1, 2, 4]


async def test_a_long_way_is_gone_in_pages_beyond_the_tail(
    database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "MOST", 7)
    reader, texts = Reader(), [str(number) for number in range(30)]
    async with Process.open(database, clock, tail_bytes=5_000) as process:
        await process.found()
        for text in texts:
            await process.say(text)
        async with following(follower(process, reader, whole=True)):
            await reader.has_seen(*texts)
    assert reader.seen == ["m.room.create", "m.room.member", *texts]


async def test_what_is_in_the_line_but_no_event_is_passed_over(process: Process) -> None:
    reader = Reader()
    async with following(follower(process, reader, whole=True)):
        await process.line.append(Record(lambda number: []))
        await process.say("one")
        await process.line.append(Record(lambda number: []))
        await process.say("two")
        await reader.has_seen("one", "two")
    assert reader.seen == ["m.room.create", "m.room.member", "one", "two"]
