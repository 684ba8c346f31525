"""The line: dense numbers in commit order, each answered only when it is durable."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest

from qingxin.errors import Forbidden, Unavailable
from qingxin.store.database import ConstraintViolated, Database, Insert, Write, sql
from qingxin.store.line import MOST_AT_ONCE, Entry, Line, Record, merge
from qingxin.store.postgres import Postgres
from tests.store.conftest import Run
from tests.store.table import COLUMNS, COUNT, NUMBERS, TABLE, thing


class Watch:
    """Everything that a line tells about."""

    def __init__(self, line: Line) -> None:
        self.numbers: list[int] = []
        line.listen(self.announce)
        line.on_gap(self.skip)

    def announce(self, committed: Sequence[tuple[int, Entry]]) -> None:
        self.numbers += [number for number, _ in committed]

    def skip(self, until: int) -> None:
        self.numbers += range(len(self.numbers) + 1, until + 1)


class Refused(Entry):
    """An entry that does not pass its own check."""

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        raise Forbidden("No.")


class Pair(Entry):
    """An entry that takes two numbers."""

    count = 2

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        return [Insert("things", COLUMNS, [(f"{n}", n, None) for n in (number, number + 1)])]


async def numbers(database: Database) -> list[int]:
    return [row[0] for row in await database.all(NUMBERS)]


async def test_entries_get_dense_numbers_in_the_order_in_which_they_came(
    things: Database, run: Run
) -> None:
    line = Line(things)
    watch = Watch(line)
    run(line)
    count = MOST_AT_ONCE + 100
    given = await asyncio.gather(*(line.append(thing(f"{i}")) for i in range(count)))
    assert given == list(range(1, count + 1))
    assert await numbers(things) == given
    assert watch.numbers == given
    assert line.number == count


async def test_an_entry_is_there_when_its_number_is_given(things: Database, run: Run) -> None:
    line = Line(things)
    run(line)

    async def say(name: str) -> None:
        number = await line.append(thing(name))
        found = await things.one("SELECT number FROM things WHERE name = :name", name=name)
        assert found == (number,)

    await asyncio.gather(*(say(f"{i}") for i in range(50)))


async def test_an_entry_may_take_several_numbers(things: Database, run: Run) -> None:
    line = Line(things)
    run(line)
    given = await asyncio.gather(*(line.append(each) for each in (thing("a"), Pair(), thing("b"))))
    assert given == [1, 2, 4]
    assert await numbers(things) == [1, 2, 3, 4]


async def test_an_entry_that_is_refused_takes_no_number(things: Database, run: Run) -> None:
    line = Line(things)
    watch = Watch(line)
    run(line)
    given = await asyncio.gather(
        line.append(thing("alice")),
        line.append(Refused()),
        line.append(thing("bob")),
        return_exceptions=True,
    )
    assert (given[0], type(given[1]), given[2]) == (1, Forbidden, 2)
    assert watch.numbers == [1, 2]


async def test_an_entry_that_cannot_be_stored_hurts_no_other(things: Database, run: Run) -> None:
    line = Line(things)
    watch = Watch(line)
    run(line)
    await line.append(thing("taken"))
    entries = [thing(f"{i}") for i in range(20)]
    entries.insert(7, thing("taken"))
    entries.insert(13, Record(lambda number: [sql("INSERT INTO nowhere (a) VALUES (1)")]))
    given = await asyncio.gather(*map(line.append, entries), return_exceptions=True)
    assert isinstance(given.pop(13), Exception)
    assert isinstance(given.pop(7), ConstraintViolated)
    assert given == list(range(2, 22))
    assert await numbers(things) == watch.numbers == list(range(1, 22))


async def test_who_stops_waiting_holds_nobody_up(things: Database, run: Run) -> None:
    line = Line(things)
    run(line)
    waiting = [asyncio.create_task(line.append(thing(f"{i}"))) for i in range(20)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    given = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(each, int) for each in given[1::2])
    last = await line.append(thing("last"))
    assert await numbers(things) == list(range(1, last + 1))


async def test_a_line_goes_on_where_it_ended(things: Database, run: Run) -> None:
    first = Line(things)
    run(first)
    await asyncio.gather(*(first.append(thing(f"a{i}")) for i in range(3)))
    second = Line(things)
    watch = Watch(second)
    await second.refresh()
    assert watch.numbers == [1, 2, 3]
    run(second)
    assert await second.append(thing("b")) == 4


async def test_a_listener_that_fails_does_not_fail_those_who_append(
    things: Database, run: Run
) -> None:
    def fail(committed: Sequence[tuple[int, Entry]]) -> None:
        raise RuntimeError("broken")

    line = Line(things)
    line.listen(fail)
    run(line)
    assert await line.append(thing("alice")) == 1
    assert await line.append(thing("bob")) == 2


async def test_nobody_waits_for_a_line_that_has_ended(things: Database) -> None:
    line = Line(things)
    waiting = line.enqueue(thing("alice"))
    running = asyncio.create_task(line.run())
    await waiting
    late = line.enqueue(thing("bob"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with pytest.raises(Unavailable):
        await late
    with pytest.raises(Unavailable):
        await line.append(thing("carol"))


async def test_readers_never_see_a_gap(things: Database, run: Run) -> None:
    line = Line(things)
    run(line)
    appending = [asyncio.create_task(line.append(thing(f"{i}"))) for i in range(300)]
    while not all(task.done() for task in appending):
        row = await things.one("SELECT count(*), COALESCE(max(number), 0) FROM things")
        assert row is not None
        assert row[0] == row[1]
        await asyncio.sleep(0)


async def test_two_nodes_share_one_line(postgres: Postgres, postgres_url: str, run: Run) -> None:
    await postgres.write(sql(TABLE))
    other = await Postgres(postgres_url).open()
    lines = [Line(postgres), Line(other)]
    watches = [Watch(line) for line in lines]
    for line in lines:
        run(line)

    async def speak(line: Line, name: str) -> list[int]:
        return [await line.append(thing(f"{name}{i}")) for i in range(40)]

    speakers = [(line, f"{n}{who}-") for n, line in enumerate(lines) for who in "abc"]
    given = await asyncio.gather(*(speak(line, name) for line, name in speakers))
    for line in lines:
        await line.refresh()
    everything = list(range(1, 241))
    assert sorted(chain.from_iterable(given)) == everything
    assert all(each == sorted(each) for each in given)
    assert [watch.numbers for watch in watches] == [everything, everything]
    assert await numbers(postgres) == everything
    await other.close()


async def test_an_upsert_in_the_line_keeps_the_last_of_each_key(things: Database, run: Run) -> None:
    conflict = "(name) DO UPDATE SET number = excluded.number, raw = excluded.raw"

    def move(number: int) -> list[Write]:
        return [Insert("things", COLUMNS, [("alice", number, b"")], conflict)]

    line = Line(things)
    run(line)
    given = await asyncio.gather(*(line.append(Record(move)) for _ in range(30)))
    assert await numbers(things) == [given[-1]]
    assert await things.one(COUNT) == (1,)


def test_inserts_into_one_table_are_joined_and_come_before_the_statements() -> None:
    change = sql("UPDATE things SET number = 1")
    writes = [
        Insert("things", COLUMNS, [("a", 1, None)]),
        change,
        Insert("other", ("a",), [(1,)]),
        Insert("things", COLUMNS, [("b", 2, None)]),
        Insert("things", COLUMNS, [("c", 3, None)], "(name) DO NOTHING"),
    ]
    assert merge(writes) == [
        Insert("things", COLUMNS, [("a", 1, None), ("b", 2, None)]),
        Insert("other", ("a",), [(1,)]),
        Insert("things", COLUMNS, [("c", 3, None)], "(name) DO NOTHING"),
        change,
    ]
