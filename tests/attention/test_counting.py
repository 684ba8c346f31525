"""Counts are exact, whatever happens while they are made."""

import asyncio
from typing import Any

import pytest

from qingxin.attention.pushrules import PushRules
from qingxin.attention.unread import Unread
from qingxin.clock import HandClock
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.people.preferences import Preferences
from qingxin.rooms.receipts import WHOLE, Receipts
from qingxin.store.database import Database
from tests.log.parts import ALICE, ROOM, Process

BOB = "@bob:example.org"


class Desk:
    """What counts, over one process, with Bob in Alice's room."""

    def __init__(self, process: Process) -> None:
        self.process = process
        preferences = Preferences(process.database, process.line)
        self.receipts = Receipts(process.log, process.database, process.clock)
        rules = PushRules(preferences)
        self.unread = Unread(process.log, self.receipts, rules, preferences)

    async def let_bob_in(self) -> None:
        for sender, membership in ((ALICE, "invite"), (BOB, "join")):
            content = {"membership": membership}
            await self.process.log.append(
                Draft(room_id=ROOM, sender=sender, type=MEMBER, content=content, state_key=BOB)
            )

    async def count(self) -> int:
        tally = await self.unread.tally(BOB, ROOM, self.process.line.number)
        return tally.total.notifications


@pytest.fixture
async def process(database: Database, clock: HandClock) -> Any:
    async with Process.open(database, clock) as process:
        await process.found()
        yield process


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def desk(process: Process) -> Desk:
    desk = Desk(process)
    await desk.let_bob_in()
    return desk


async def test_two_devices_at_once_count_each_message_once(
    desk: Desk, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        await process.say(f"{n}")
    process.history.tail.start(process.line.number)
    forth = process.history.forth

    async def slowly(*place: Any) -> list[Event]:
        await asyncio.sleep(0)
        return await forth(*place)

    monkeypatch.setattr(process.history, "forth", slowly)
    await desk.unread.prime(BOB, [ROOM])
    assert await asyncio.gather(*(desk.count() for _ in range(3))) == [3, 3, 3]


async def test_a_receipt_that_comes_while_marks_are_read_counts(
    desk: Desk, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.say("one")
    last = await process.say("two")
    marks, asked, go_on = desk.receipts.marks, asyncio.Event(), asyncio.Event()

    async def slowly(user_id: str, rooms: list[str]) -> dict[str, dict[str, int]]:
        found = await marks(user_id, rooms)
        asked.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(desk.receipts, "marks", slowly)
    counting = asyncio.create_task(desk.count())
    await asked.wait()
    await desk.receipts.read(BOB, ROOM, "m.read", last.event_id, WHOLE)
    go_on.set()
    assert await counting == 0
    await process.say("three")
    assert await desk.count() == 1


async def test_what_cannot_be_read_is_counted_the_next_time(
    desk: Desk, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.say("one")

    async def fail(user_id: str, rooms: list[str]) -> dict[str, dict[str, int]]:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(desk.receipts, "marks", fail)
        with pytest.raises(ConnectionError):
            await desk.count()
    assert await desk.count() == 1
