"""A table to write into, and lines that run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from qingxin.store.database import Database, sql
from qingxin.store.line import Line
from tests.postgres import PostgresServer
from tests.store.table import TABLE

Run = Callable[[Line], None]


@pytest.fixture
async def things(database: Database) -> Database:
    """A database with an empty table `things`."""
    await database.write(sql(TABLE))
    return database


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """Let a line commit until the end of the test."""
    running: list[asyncio.Task[None]] = []
    yield lambda line: running.append(asyncio.create_task(line.run()))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may kill; it writes as durably as a real one."""
    server = PostgresServer(fsync="on", full_page_writes="on").start()
    yield server
    server.stop()
