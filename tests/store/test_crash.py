"""A process that is killed in the middle of appending loses nothing that it acknowledged."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from qingxin.store.database import Database, sql
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite
from tests.postgres import PostgresServer
from tests.store.conftest import Run
from tests.store.table import NUMBERS, TABLE, thing

ACKNOWLEDGED = 300  # before the kill
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


async def append_until_killed(where: str, name: str) -> dict[int, str]:
    """What the process said was durable before it died."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.appender", where, name,
        stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(ACKNOWLEDGED)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    pairs = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {int(number): said for number, said in pairs}


async def assert_kept(database: Database, acknowledged: dict[int, str]) -> None:
    rows = await database.all("SELECT number, name FROM things ORDER BY number")
    numbers = [row[0] for row in rows]
    assert numbers == list(range(1, len(numbers) + 1))
    assert acknowledged.items() <= {(row[0], row[1]) for row in rows}
    assert await database.one("SELECT number FROM log_heads") == (len(numbers),)


async def test_killed_over_sqlite(sqlite_path: Path, run: Run) -> None:
    database = await SQLite(sqlite_path).open()
    await database.write(sql(TABLE))
    await database.close()
    acknowledged: dict[int, str] = {}
    for life in ("first", "second"):
        acknowledged |= await append_until_killed(str(sqlite_path), life)
        database = await SQLite(sqlite_path).open()
        await assert_kept(database, acknowledged)
        await database.close()
    assert len(acknowledged) >= 2 * ACKNOWLEDGED


async def test_one_of_two_nodes_is_killed_over_postgres(
    postgres: Postgres, postgres_url: str, run: Run
) -> None:
    await postgres.write(sql(TABLE))
    killed, other = await asyncio.gather(
        append_until_killed(postgres_url, "first"), append_until_killed(postgres_url, "second")
    )
    line = Line(postgres)
    run(line)
    await line.append(thing("after"))  # once this goes in, no dead transaction is left
    assert not killed.keys() & other.keys()
    await assert_kept(postgres, killed | other)


async def test_the_database_server_crashes_and_comes_back(
    own_server: PostgresServer, run: Run
) -> None:
    database = await Postgres(await own_server.new_database()).open()
    await database.migrate()
    await database.write(sql(TABLE))
    line = Line(database)
    run(line)
    waiting = [asyncio.create_task(line.append(thing(f"{i}"))) for i in range(500)]
    await waiting[0]
    own_server.kill()
    given = await asyncio.gather(*waiting, return_exceptions=True)
    own_server.start_again()
    acknowledged = {each: f"{i}" for i, each in enumerate(given) if isinstance(each, int)}
    await append_at_last(line, "after")
    await assert_kept(database, acknowledged)
    assert await database.all(NUMBERS)
    await database.close()


async def append_at_last(line: Line, name: str) -> None:
    """The first tries meet connections that died with the old server."""
    for _ in range(50):
        try:
            await line.append(thing(name))
            return
        except Exception:
            await asyncio.sleep(0.05)
    pytest.fail("The pool did not recover.")
