"""Two logs over one database: what one says is in the other's memory as if said there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from qingxin.clock import HandClock
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.log.state import RoomState, States
from qingxin.log.versions import VERSIONS
from qingxin.store.line import Line, Record
from qingxin.store.postgres import Postgres
from tests.log.parts import ALICE, ROOM, Process

BOB = "@bob:example.org"


@pytest.fixture
async def here(postgres: Postgres, clock: HandClock) -> AsyncIterator[Process]:
    async with Process.open(postgres, clock) as process:
        await process.found()
        yield process


@pytest.fixture
async def there(here: Process, postgres: Postgres, clock: HandClock) -> AsyncIterator[Process]:
    async with Process.open(postgres, clock) as process:
        await process.line.refresh()
        yield process


async def says(process: Process, type: str, content: dict[str, Any], **more: Any) -> Event:
    return await process.log.append(
        Draft(room_id=ROOM, sender=ALICE, type=type, content=content, **more)
    )


async def test_the_tail_goes_on_without_a_gap(here: Process, there: Process) -> None:
    first = there.line.number
    said = [await (here, there)[n % 2].say(f"{n}") for n in range(10)]
    await here.line.append(Record(lambda number: []))
    await there.line.refresh()
    for process in (here, there):
        found = process.history.tail.after(ROOM, first)
        assert found is not None
        assert [event.event_id for event in found] == [event.event_id for event in said]
    assert there.feed.number == here.feed.number == first + 11


async def test_a_state_in_memory_takes_in_what_others_change(here: Process, there: Process) -> None:
    state = await there.states.of(ROOM, (ALICE, BOB))
    await says(here, "m.room.topic", {"topic": "cake"}, state_key="")
    await says(here, MEMBER, {"membership": "invite"}, state_key=BOB)
    await there.line.refresh()
    assert there.states.loaded(ROOM) is state
    assert state.text("m.room.topic", "topic") == "cake"
    assert (state.membership(BOB), state.joined, state.invited) == ("invite", 1, 1)


async def test_a_redaction_reaches_every_copy(here: Process, there: Process) -> None:
    secret = await says(here, "m.room.topic", {"topic": "secret"}, state_key="")
    await says(here, "m.room.topic", {"topic": "public"}, state_key="")
    word = await here.say("oops")
    await there.line.refresh()
    state = await there.states.of(ROOM)
    replaced = there.history.tail.find(secret.event_id)
    current = state.get("m.room.topic")
    assert replaced and current and b"secret" in current.unsigned
    for target in (secret, word):
        await says(here, "m.room.redaction", {}, redacts=target.event_id)
    await there.line.refresh()
    struck = there.history.tail.find(word.event_id)
    assert struck and struck.decoded() == {} and struck.redacted_by
    assert replaced.decoded() == {}
    assert b"secret" not in current.unsigned


async def test_an_event_that_others_refer_to_says_so(here: Process, there: Process) -> None:
    root = await here.say("cake?")
    await there.line.refresh()
    relation = {"rel_type": "m.thread", "event_id": root.event_id}
    await says(here, "m.room.message", {"body": "yes", "m.relates_to": relation})
    await there.line.refresh()
    found = there.history.tail.find(root.event_id)
    assert found and found.related


async def test_a_transaction_that_another_process_took_is_the_same_event(
    here: Process, there: Process
) -> None:
    draft = {"device_id": "PHONE", "txn_id": "1"}
    both = await asyncio.gather(
        *(says(each, "m.room.message", {"body": "once"}, **draft) for each in (here, there))
    )
    assert both[0].event_id == both[1].event_id
    assert here.line.number == there.line.number or await there.line.refresh() is None
    row = await there.database.one("SELECT count(*) FROM events WHERE txn_id = '1'")
    assert row == (1,)


async def test_whoever_was_away_for_long_has_nothing_old_in_memory(
    here: Process, there: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qingxin.store.line.MOST_TO_CATCH_UP", 2)
    await there.states.of(ROOM)
    watcher = await there.feed.watch(ALICE)
    for n in range(3):
        await says(here, "m.room.topic", {"topic": f"{n}"}, state_key="")
    with there.feed.listen(watcher) as bell:
        await there.line.refresh()
        assert await bell.ring(1)
    assert there.history.tail.floor == there.feed.number == here.line.number
    assert (await there.states.of(ROOM)).text("m.room.topic", "topic") == "2"
    assert await there.feed.watch(ALICE) is not watcher


def test_a_member_who_was_read_after_the_count_makes_it_be_counted_again() -> None:
    state = RoomState(ROOM, VERSIONS["11"])
    state.counts, state.counted = {"join": 1}, 4
    event = Event.of(
        (0, 5, ROOM, "$5", MEMBER, BOB, BOB, 0, b'{"membership":"join"}', b"")
        + (None,) * 5 + (0, None, None)
    )  # fmt: skip
    state.members[BOB] = event
    assert not state.apply(event)


async def test_a_room_that_changes_while_two_read_it_is_read_again() -> None:
    gates: list[asyncio.Future[RoomState]] = []

    class Slow(States):
        async def _read(self, rooms: list[str]) -> dict[str, RoomState]:
            gates.append(asyncio.get_running_loop().create_future())
            return {ROOM: await gates[-1]}

    states = Slow(None)  # type: ignore[arg-type]
    old, new = RoomState(ROOM, VERSIONS["10"]), RoomState(ROOM, VERSIONS["11"])
    first = asyncio.create_task(states.of(ROOM))
    await asyncio.sleep(0)
    states.forget(ROOM)
    second = asyncio.create_task(states.of(ROOM))
    await asyncio.sleep(0)
    gates[0].set_result(old)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for gate in gates[1:]:
        gate.set_result(new)
    assert await first is await second
    assert (await first).version is new.version


async def test_a_line_that_only_looks_learns_of_all(here: Process, postgres: Postgres) -> None:
    reader = Line(postgres)
    await reader.refresh()
    event = await here.say("hello")
    await reader.refresh(event.position - 1)  # known already
    assert reader.number == event.position - 1
    await reader.refresh(event.position)
    assert reader.number == event.position
