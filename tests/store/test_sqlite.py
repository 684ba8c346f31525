"""What only SQLite does: one process, group commit, a disk that fills up."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qingxin.errors import Unavailable
from qingxin.store.database import Insert, NothingReturned, Unusable, must, sql
from qingxin.store.line import Line
from qingxin.store.sqlite import SQLite
from tests.store.conftest import Run
from tests.store.table import COLUMNS, COUNT, EVERY, TABLE, thing

MUCH = Insert("things", COLUMNS, [(f"{i}", i, b"x" * 1000) for i in range(1000)])


@pytest.fixture
async def things(sqlite: SQLite) -> SQLite:
    await sqlite.write(sql(TABLE))
    return sqlite


def little(name: str) -> Insert:
    return Insert("things", COLUMNS, [(name, 1, None)])


async def test_many_writes_at_once_take_few_commits(things: SQLite) -> None:
    before = things.commits
    await asyncio.gather(*(things.write(little(f"{i}")) for i in range(200)))
    assert things.commits - before <= 5
    assert await things.one(COUNT) == (200,)


async def test_many_entries_of_the_line_take_few_commits(things: SQLite, run: Run) -> None:
    line = Line(things)
    run(line)
    await line.append(thing("first"))
    before = things.commits
    await asyncio.gather(*(line.append(thing(f"{i}")) for i in range(200)))
    assert things.commits - before <= 5


async def test_a_second_process_is_told_who_holds_the_data(sqlite: SQLite) -> None:
    with pytest.raises(Unusable, match=rf"in use by process {os.getpid()}\b"):
        await SQLite(sqlite.path).open()


async def test_the_data_is_free_again_after_closing(tmp_path: Path) -> None:
    for _ in range(2):
        database = await SQLite(tmp_path / "new" / "qingxin.db").open()
        await database.close()


async def test_a_path_that_cannot_be_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unusable, match=r"file/qingxin\.db cannot be opened"):
        await SQLite(tmp_path / "file" / "qingxin.db").open()
    (tmp_path / "noise.db").write_bytes(b"no database " * 1000)
    with pytest.raises(Unusable, match=r"noise\.db cannot be opened"):
        await SQLite(tmp_path / "noise.db").open()


async def test_only_the_owner_may_read_the_file(sqlite: SQLite, tmp_path: Path) -> None:
    database = await SQLite(tmp_path / "new.db").open()
    await database.migrate()
    assert database.path.stat().st_mode & 0o077 == 0
    await database.close()


async def test_a_full_database_refuses_writes_and_nothing_else(things: SQLite) -> None:
    await things.write(little("before"))
    [[row]] = await things.write(sql("PRAGMA page_count"))
    await things.write(sql(f"PRAGMA max_page_count = {row[0] + 20}"))
    outcomes = await asyncio.gather(*(things.write(MUCH) for _ in range(3)), return_exceptions=True)
    assert {type(each) for each in outcomes} == {Unavailable}
    assert "disk is full" in str(outcomes[0])
    assert await things.all(EVERY) == [("before", 1, None)]
    await things.write(sql("PRAGMA max_page_count = 1000000"))
    await things.write(MUCH)
    assert await things.one(COUNT) == (1001,)


async def test_a_line_goes_on_after_the_disk_was_full(things: SQLite, run: Run) -> None:
    line = Line(things)
    run(line)
    await line.append(thing("first"))
    [[row]] = await things.write(sql("PRAGMA page_count"))
    await things.write(sql(f"PRAGMA max_page_count = {row[0]}"))
    refused = await asyncio.gather(
        *(line.append(thing(f"{i}" * 200)) for i in range(500)), return_exceptions=True
    )
    assert {type(each) for each in refused} == {Unavailable}
    await things.write(sql("PRAGMA max_page_count = 1000000"))
    assert await line.append(thing("second")) == 2


async def test_a_disk_that_refuses_to_write_is_reported(things: SQLite) -> None:
    await things.write(little("before"))
    wal = things.path.with_name("qingxin.db-wal").stat().st_size
    unlimited = resource.prlimit(things.scribe, resource.RLIMIT_FSIZE)
    resource.prlimit(things.scribe, resource.RLIMIT_FSIZE, (wal, unlimited[1]))
    with pytest.raises(Unavailable):
        await things.write(MUCH)
    assert await things.all(EVERY) == [("before", 1, None)]
    resource.prlimit(things.scribe, resource.RLIMIT_FSIZE, unlimited)
    await things.write(MUCH)
    assert await things.one(COUNT) == (1001,)


async def test_a_database_that_may_not_be_written_is_still_read(things: SQLite) -> None:
    await things.write(little("before"))
    await things.write(sql("PRAGMA query_only = ON"))
    with pytest.raises(Unavailable, match="cannot be written to"):
        await things.write(little("after"))
    assert await things.all(EVERY) == [("before", 1, None)]


async def test_a_scribe_that_was_killed_is_replaced(things: SQLite) -> None:
    await things.write(little("before"))
    killed = things.scribe
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(Unavailable):
        while True:  # the news of its death takes a moment
            await things.write(sql("SELECT 1"))
    await things.write(little("after"))
    assert things.scribe != killed
    assert await things.one(COUNT) == (2,)


async def test_a_line_goes_on_after_its_scribe_was_killed(things: SQLite, run: Run) -> None:
    line = Line(things)
    run(line)
    await line.append(thing("before"))
    waiting = [asyncio.create_task(line.append(thing(f"{i}"))) for i in range(100)]
    await asyncio.sleep(0)
    os.kill(things.scribe, signal.SIGKILL)
    await asyncio.gather(*waiting, return_exceptions=True)
    last = await line.append(thing("after"))
    numbers = await things.all("SELECT number FROM things ORDER BY number")
    assert numbers == [(number,) for number in range(1, last + 1)]


async def test_the_scribe_does_not_listen_to_the_keyboard(things: SQLite) -> None:
    await things.write(little("before"))
    for each in (signal.SIGINT, signal.SIGTERM):
        os.kill(things.scribe, each)
    await things.write(little("after"))
    assert await things.one(COUNT) == (2,)


async def test_what_is_queued_is_written_before_closing(sqlite_path: Path) -> None:
    database = await SQLite(sqlite_path).open()
    await database.write(sql(TABLE))
    waiting = [asyncio.ensure_future(database.write(little(f"{i}"))) for i in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)
    with pytest.raises(Unavailable):
        await database.write(little("late"))
    again = await SQLite(sqlite_path).open()
    assert await again.one(COUNT) == (50,)
    await again.close()


async def test_a_must_among_many_writes_is_undone_alone(things: SQLite) -> None:
    nothing = must("UPDATE things SET number = 2 WHERE name = 'nobody' RETURNING name")
    outcomes = await asyncio.gather(
        *(things.write(little(f"{i}"), *([nothing] if i % 10 == 0 else [])) for i in range(100)),
        return_exceptions=True,
    )
    assert [i for i, each in enumerate(outcomes) if isinstance(each, NothingReturned)] == list(
        range(0, 100, 10)
    )
    assert await things.one(COUNT) == (90,)


async def test_a_scribe_that_cannot_be_started_is_reported(
    things: SQLite, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(things.scribe, signal.SIGKILL)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable, match="cannot be started"):
        while True:  # the first ones hear that the old one has died
            with suppress_death():
                await things.write(little("lost"))
    monkeypatch.undo()
    await things.write(little("after"))
    assert await things.all(EVERY) == [("after", 1, None)]


@contextmanager
def suppress_death() -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        if "has ended" not in error.message:
            raise
