"""A backup is one file with everything, and goes back into either database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin.store import migrate
from qingxin.store.database import Database, Insert, Unusable
from qingxin.store.line import Line
from qingxin.store.migrate import Migration, migrations
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite
from tests.postgres import PostgresServer
from tests.store.conftest import Run
from tests.store.table import COLUMNS, COUNT, EVERY, NUMBERS, TABLE, thing

EXTRA = Migration(9001, "things", TABLE)


@pytest.fixture
async def things(database: Database, with_things: None) -> Database:
    await database.migrate()
    return database


@pytest.fixture
def with_things(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the tests is part of the schema."""
    known = [*migrations(), EXTRA]
    monkeypatch.setattr(migrate, "migrations", lambda: known)


@pytest.fixture(params=["sqlite", "postgres"])
async def empty(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path: Path
) -> AsyncIterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        lite = await SQLite(tmp_path / "empty.db").open()
        yield lite
        await lite.close()
        return
    url = await postgres_server.new_database()
    server = await Postgres(url).open()
    yield server
    await server.close()
    await postgres_server.drop_database(url)


async def test_everything_comes_back(
    things: Database, empty: Database, tmp_path: Path, run: Run
) -> None:
    rows = [(f"清{i}👋", 2**62 + i, b"\x00\xff" if i % 2 else None) for i in range(2500)]
    await things.write(Insert("things", COLUMNS, [*rows, ("", None, b"")]))
    line = Line(things)
    run(line)
    await asyncio.gather(*(line.append(thing(f"{i}")) for i in range(20)))
    await things.backup(tmp_path / "backup")
    await empty.restore(tmp_path / "backup")
    assert await empty.migrate() == 0
    assert await empty.all(EVERY) == await things.all(EVERY)
    assert await empty.one(COUNT) == (2521,)
    restored = Line(empty)
    run(restored)
    assert await restored.append(thing("after")) == 21


async def test_a_backup_from_before_an_update_is_brought_up_to_date(
    database: Database, empty: Database, tmp_path: Path, with_things: None
) -> None:
    await database.backup(tmp_path / "backup")
    await empty.restore(tmp_path / "backup")
    assert await empty.migrate() == 1
    assert await empty.all(EVERY) == []


async def test_a_backup_from_the_future_is_refused(
    things: Database, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await things.backup(tmp_path / "backup")
    known = migrate.migrations()[:-1]
    monkeypatch.setattr(migrate, "migrations", lambda: known)
    with pytest.raises(Unusable, match="newer than this software"):
        await empty.restore(tmp_path / "backup")
    assert await empty.migrate() == len(known)


async def test_a_backup_is_of_one_moment(things: Database, tmp_path: Path, run: Run) -> None:
    line = Line(things)
    run(line)
    ended, enough = asyncio.Event(), asyncio.Event()

    async def speak(who: str) -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            if await line.append(thing(f"{who}{turn}")) >= 50:
                enough.set()

    speaking = [asyncio.create_task(speak(who)) for who in "abc"]
    await enough.wait()
    await things.backup(tmp_path / "backup")
    ended.set()
    await asyncio.gather(*speaking)
    copy = await SQLite(tmp_path / "copy.db").open()
    await copy.restore(tmp_path / "backup")
    numbers = [row[0] for row in await copy.all(NUMBERS)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert await copy.one("SELECT number FROM log_heads") == (len(numbers),)
    assert len(numbers) >= 50
    await copy.close()


async def test_nobody_else_may_read_a_backup(database: Database, tmp_path: Path) -> None:
    await database.backup(tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


async def test_a_backup_that_cannot_be_written_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(Unusable, match="nowhere"):
        await database.backup(tmp_path / "nowhere" / "backup")
    (tmp_path / "taken").mkdir()
    with pytest.raises(Unusable, match="taken"):
        await database.backup(tmp_path / "taken")
    assert not (tmp_path / "taken.partial").exists()


async def test_a_database_with_something_in_it_is_not_overwritten(
    database: Database, tmp_path: Path
) -> None:
    await database.backup(tmp_path / "backup")
    with pytest.raises(Unusable, match="not empty"):
        await database.restore(tmp_path / "backup")


async def test_what_is_no_backup_is_refused(empty: Database, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    for name in ("noise", "missing"):
        with pytest.raises(Unusable, match=f"{name} is no backup"):
            await empty.restore(tmp_path / name)
    assert await empty.migrate() == len(migrate.migrations())


async def test_a_damaged_backup_is_refused_and_leaves_nothing(
    things: Database, empty: Database, tmp_path: Path
) -> None:
    await things.write(Insert("things", COLUMNS, [(f"{i}", i, b"x" * 20) for i in range(2000)]))
    await things.backup(tmp_path / "backup")
    with (tmp_path / "backup").open("r+b") as file:
        file.seek(-20_000, 2)
        file.write(b"\xff" * 16_000)
    with pytest.raises(Unusable):
        await empty.restore(tmp_path / "backup")
    assert await empty.migrate() == len(migrate.migrations())
