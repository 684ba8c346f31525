"""Bringing a database up to date: once, in order, all or nothing, also when several start."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from qingxin.clock import HandClock
from qingxin.store import migrate
from qingxin.store.database import Database, Unusable, sql
from qingxin.store.migrate import Migration, for_postgres, migrations
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite
from tests.postgres import PostgresServer

APPLIED = "SELECT number, name, applied FROM migrations ORDER BY number"
STARTER = """
import asyncio, sys
from pathlib import Path
from qingxin.store.database import Unusable
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite

async def main(where):
    try:
        database = Postgres(where) if where.startswith("postgres") else SQLite(Path(where))
        await database.open()
    except Unusable as error:
        return print(error)
    print(await database.migrate(), flush=True)
    sys.stdin.readline()
    await database.close()

asyncio.run(main(sys.argv[1]))
"""


async def start(where: str) -> tuple[asyncio.subprocess.Process, str]:
    """Another process that migrates; its answer: how many ran, or why it could not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, where,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().strip()


async def end(*processes: asyncio.subprocess.Process) -> None:
    await asyncio.gather(*(process.communicate(b"\n") for process in processes))


async def test_a_new_database_gets_every_migration_once(tmp_path: Path) -> None:
    clock = HandClock()
    database = await SQLite(tmp_path / "new.db", clock).open()
    assert await database.migrate() == len(migrations())
    assert await database.migrate() == 0
    assert await database.all(APPLIED) == [
        (each.number, each.name, clock.now()) for each in migrations()
    ]
    await database.close()


async def test_a_new_postgres_gets_every_migration_once(postgres_server: PostgresServer) -> None:
    url, clock = await postgres_server.new_database(), HandClock()
    database = await Postgres(url, clock).open()
    assert await database.migrate() == len(migrations())
    assert await database.migrate() == 0
    assert await database.all(APPLIED) == [
        (each.number, each.name, clock.now()) for each in migrations()
    ]
    await database.close()
    await postgres_server.drop_database(url)


async def test_processes_that_start_together_migrate_once(postgres_server: PostgresServer) -> None:
    url = await postgres_server.new_database()
    started = await asyncio.gather(*(start(url) for _ in range(3)))
    assert sum(int(answer) for _, answer in started) == len(migrations())
    await end(*(process for process, _ in started))
    await postgres_server.drop_database(url)


async def test_of_processes_that_start_together_over_one_file_one_wins(tmp_path: Path) -> None:
    started = await asyncio.gather(*(start(str(tmp_path / "new.db")) for _ in range(3)))
    answers = [answer for _, answer in started]
    assert answers.count(str(len(migrations()))) == 1
    assert sum("is in use by process" in answer for answer in answers) == 2
    await end(*(process for process, _ in started))


async def test_a_database_from_the_future_is_left_alone(database: Database) -> None:
    record = "INSERT INTO migrations (number, name, applied) VALUES (9999, 'future', 0)"
    await database.write(sql(record))
    with pytest.raises(Unusable, match="newer than this software: it has migration 9999"):
        await database.migrate()


async def test_a_migration_that_fails_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations()
    good = Migration(9001, "good", "CREATE TABLE good (a TEXT)")
    bad = Migration(9002, "bad", "CREATE TABLE bad (a TEXT); INSERT INTO nowhere VALUES (1)")
    monkeypatch.setattr(migrate, "migrations", lambda: [*known, good, bad])
    with pytest.raises(Unusable, match="cannot be brought up to date"):
        await database.migrate()
    assert await database.all("SELECT a FROM good") == []
    with pytest.raises(Exception, match="bad"):
        await database.all("SELECT a FROM bad")
    mended = Migration(9002, "mended", "CREATE TABLE bad (a TEXT)")
    monkeypatch.setattr(migrate, "migrations", lambda: [*known, good, mended])
    assert await database.migrate() == 1
    assert await database.all("SELECT a FROM bad") == []


async def test_a_migration_that_another_process_ran_is_visible_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = Migration(9001, "wider", "ALTER TABLE log_heads ADD COLUMN more BIGINT DEFAULT 7")
    assert await database.one("SELECT * FROM log_heads") == (0, 0)
    known = migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: [*known, wider])
    await database.migrate()
    assert await database.one("SELECT * FROM log_heads") == (0, 0, 7)


def test_migrations_are_numbered_once() -> None:
    numbers = [each.number for each in migrations()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


def test_text_is_compared_by_its_code_points_on_postgres() -> None:
    assert for_postgres("CREATE TABLE a (b TEXT NOT NULL, c BLOB)") == (
        'CREATE TABLE a (b TEXT COLLATE "C" NOT NULL, c BLOB)'
    )
    assert for_postgres("SELECT CAST(a AS TEXT), context") == "SELECT CAST(a AS TEXT), context"
