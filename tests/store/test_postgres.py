"""What only PostgreSQL does: a server that goes away, and other processes beside ours."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from qingxin.errors import Unavailable
from qingxin.store.database import ConstraintViolated, Insert, Unusable, sql
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from tests.postgres import PostgresServer
from tests.store.conftest import Run
from tests.store.table import COLUMNS, COUNT, TABLE, thing

BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
CUT_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def things(postgres: Postgres) -> Postgres:
    await postgres.write(sql(TABLE))
    return postgres


def little(name: str) -> Insert:
    return Insert("things", COLUMNS, [(name, 1, None)])


async def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="PostgreSQL at") as refused:
        await Postgres(f"postgresql://alice:secret@/chat?host={tmp_path}").open()
    assert "secret" not in str(refused.value)


async def test_without_a_server_everything_is_unavailable_until_it_is_back(
    own_server: PostgresServer,
) -> None:
    database = await Postgres(await own_server.new_database()).open()
    await database.migrate()
    await database.write(sql(TABLE))
    await database.write(little("before"))
    own_server.kill()
    with pytest.raises(Unavailable):
        await database.all(COUNT)
    with pytest.raises(Unavailable):
        await database.write(little("lost"))
    with pytest.raises(Unavailable):
        async with database.head(0):
            pass
    own_server.start_again()
    await database.write(little("after"))
    assert await database.one(COUNT) == (2,)
    await database.close()


async def test_connections_that_were_cut_are_replaced(things: Postgres, postgres_url: str) -> None:
    await asyncio.gather(*(things.all(COUNT) for _ in range(30)))
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(CUT_OFF)
    outcomes = await asyncio.gather(
        *(things.write(little(f"{i}")) for i in range(30)), return_exceptions=True
    )
    assert {type(each) for each in outcomes} <= {list, Unavailable}
    await things.write(little("last"))
    await admin.close()


async def test_a_head_whose_connection_is_cut_commits_nothing(
    things: Postgres, postgres_url: str
) -> None:
    admin = await asyncpg.connect(postgres_url)
    with pytest.raises(Unavailable):
        async with things.head(0) as head:
            await admin.execute(CUT_OFF)
            await head.commit(1, [little("lost")])
    await admin.close()
    async with things.head(0) as head:
        assert head.number == 0
    assert await things.one(COUNT) == (0,)


async def test_no_transaction_is_left_open(things: Postgres, postgres_url: str) -> None:
    async with things.head(0):
        pass
    with pytest.raises(ConstraintViolated):
        async with things.head(0) as head:
            await head.commit(1, [little("a"), little("a")])
    holding = asyncio.create_task(hold(things))
    await asyncio.sleep(0.05)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
    admin = await asyncpg.connect(postgres_url)
    assert await admin.fetchval(idle + " AND datname = current_database()") == 0
    await admin.close()


async def hold(database: Postgres) -> None:
    async with database.head(0):
        await asyncio.sleep(3600)


async def test_more_callers_than_connections_wait_their_turn(things: Postgres) -> None:
    await asyncio.gather(*(things.write(little(f"{i}")) for i in range(200)))
    assert await things.one(COUNT) == (200,)
    row = await things.one(BACKENDS)
    assert row is not None
    assert row[0] <= 10


async def test_entries_may_read_while_every_other_connection_is_wanted(
    postgres_url: str, run: Run
) -> None:
    database = await Postgres(postgres_url, connections=2).open()
    await database.write(sql(TABLE))
    line = Line(database)
    run(line)

    async def read() -> None:
        for _ in range(20):
            await database.all(COUNT)

    await asyncio.gather(*(line.append(thing(f"{i}")) for i in range(50)), *(read() for _ in "abc"))
    assert await database.one(COUNT) == (50,)
    await database.close()


async def test_another_process_may_change_the_schema(things: Postgres, postgres_url: str) -> None:
    everything = "SELECT * FROM things"
    await things.write(little("alice"))
    assert await things.all(everything) == [("alice", 1, None)]
    admin = await asyncpg.connect(postgres_url)
    await admin.execute("ALTER TABLE things ADD COLUMN more BIGINT DEFAULT 7")
    assert await things.all(everything) == [("alice", 1, None, 7)]
    assert await things.write(sql("UPDATE things SET number = 2"), sql(everything)) == [
        [],
        [("alice", 2, None, 7)],
    ]
    await admin.close()


async def test_only_utf8_is_good_enough(postgres_server: PostgresServer) -> None:
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(Unusable, match="UTF8"):
        await Postgres(postgres_server.url("latin")).open()
    await admin.execute("DROP DATABASE latin WITH (FORCE)")
    await admin.close()
