"""Databases for tests: each test gets a fresh, migrated one of every kind."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from qingxin.store.database import Database
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite
from tests.postgres import PostgresServer

DATABASES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole run."""
    server = PostgresServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated database; copying it is quicker than migrating."""

    async def migrate() -> str:
        url = await postgres_server.new_database()
        database = await Postgres(url).open()
        await database.migrate()
        await database.close()
        return postgres_server.name_of(url)

    return asyncio.run(migrate())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("template") / "qingxin.db"

    async def migrate() -> None:
        database = await SQLite(path).open()
        await database.migrate()
        await database.close()

    asyncio.run(migrate())
    return path


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh, migrated database; the test runs once for each kind."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """A fresh, migrated file, for those who open it by themselves."""
    return Path(shutil.copy(sqlite_template, tmp_path / "qingxin.db"))


@pytest.fixture
async def sqlite(sqlite_path: Path) -> AsyncIterator[SQLite]:
    database = await SQLite(sqlite_path).open()
    yield database
    await database.close()


@pytest.fixture
async def postgres_url(
    postgres_server: PostgresServer, postgres_template: str
) -> AsyncIterator[str]:
    """The address of a fresh, migrated database, for those who connect by themselves."""
    url = await postgres_server.new_database(postgres_template)
    yield url
    await postgres_server.drop_database(url)


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Postgres]:
    database = await Postgres(postgres_url).open()
    yield database
    await database.close()
