"""Notes: what one process puts into the line is told to the listeners of every other."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from msgspec import Struct

from qingxin.store import line as line_module
from qingxin.store import notes
from qingxin.store.database import Database, sql
from qingxin.store.line import Entry, Line, Record
from qingxin.store.postgres import Postgres
from tests.store.conftest import Run


class Baked(Struct, frozen=True):
    """News for those who like cake."""

    cake: str


class Kitchen:
    """A process that bakes, and hears what is baked anywhere."""

    def __init__(self, database: Database) -> None:
        self.line = Line(database)
        self.line.on(Baked, self.smell)
        self.line.on_gap(lambda number: self.gaps.append(number))
        self.line.listen(self.announce)
        self.smelt: list[tuple[int, str | None, str | None, Baked]] = []
        self.gaps: list[int] = []
        self.told: list[int] = []

    def announce(self, committed: Sequence[tuple[int, Entry]]) -> None:
        self.told += [number for number, _ in committed]

    def smell(self, number: int, entry: Entry) -> None:
        self.smelt.append((number, entry.room_id, entry.user_id, entry.news))

    async def bake(self, cake: str, **whom: str) -> int:
        return await self.line.append(Record(lambda number: [], news=Baked(cake), **whom))


async def test_every_process_hears_the_news_of_every_other(postgres: Postgres, run: Run) -> None:
    here, there = Kitchen(postgres), Kitchen(postgres)
    await there.line.refresh()
    run(here.line)
    await here.bake("apple", room_id="!kitchen")
    await here.bake("plum", user_id="@bob")
    await here.line.append(Record(lambda number: []))
    await there.line.refresh()
    assert there.smelt == here.smelt
    assert here.smelt == [
        (1, "!kitchen", None, Baked("apple")),
        (2, None, "@bob", Baked("plum")),
    ]
    assert there.told == here.told == [1, 2, 3]
    assert there.gaps == [0]


async def test_one_who_appends_hears_first_what_others_have(postgres: Postgres, run: Run) -> None:
    kitchens = [Kitchen(postgres), Kitchen(postgres)]
    for each in kitchens:
        await each.line.refresh()
        run(each.line)
    await asyncio.gather(*(kitchens[n % 2].bake(f"{n}") for n in range(100)))
    for each in kitchens:
        await each.line.refresh()
    here, there = kitchens
    assert here.smelt == there.smelt
    assert here.told == list(range(1, 101))


async def test_whoever_is_too_far_behind_begins_afresh(
    postgres: Postgres, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "MOST_TO_CATCH_UP", 2)
    here, there = Kitchen(postgres), Kitchen(postgres)
    run(here.line)
    await there.line.refresh()
    for n in range(2):
        await here.bake(f"{n}")
    await there.line.refresh()
    for n in range(3):
        await here.bake(f"{n}")
    await there.line.refresh()
    assert there.gaps == [0, 5]
    assert there.told == [1, 2]
    assert there.line.number == 5


async def test_news_that_another_version_wrote_are_a_gap(postgres: Postgres, run: Run) -> None:
    here, there = Kitchen(postgres), Kitchen(postgres)
    run(here.line)
    await there.line.refresh()
    await here.bake("apple")
    changed = msgspec.json.encode({"cake": 3})
    await postgres.write(sql("UPDATE line_notes SET news = :changed", changed=changed))
    await there.line.refresh()
    assert there.gaps == [0, 1]


async def test_old_notes_are_cleared_away(
    postgres: Postgres, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "KEPT", 20)
    monkeypatch.setattr(notes, "CLEARED_EVERY", 10)
    here = Kitchen(postgres)
    run(here.line)
    for n in range(55):
        await here.bake(f"{n}")
    rows = await postgres.all("SELECT number FROM line_notes ORDER BY number")
    assert [number for (number,) in rows] == list(range(31, 56))


async def test_a_database_of_one_process_keeps_no_notes(database: Database, run: Run) -> None:
    here = Kitchen(database)
    run(here.line)
    await here.bake("apple")
    found = await database.all("SELECT number FROM line_notes")
    assert found == ([(1,)] if database.shared else [])


async def test_a_listener_that_fails_makes_everybody_begin_afresh(
    database: Database, run: Run
) -> None:
    here = Kitchen(database)
    here.line.on(Baked, lambda number, entry: 1 // 0)
    run(here.line)
    assert await here.bake("apple") == 1
    assert here.gaps == [0, 1]
