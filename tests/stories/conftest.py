"""The cast: each story has a server of every kind, shared with other stories, and new people."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.judges.child import Child
from tests.postgres import PostgresServer
from tests.stories.cast import Person
from tests.stories.server import Server

HERE = Path(__file__).parent


def share_a_loop(items: list[pytest.Item], folder: Path) -> None:
    """Let the tests of a folder run in one event loop, with the servers that they share."""
    together = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if folder in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(together, append=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_a_loop(items, HERE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    server = await Server(tmp_path_factory.mktemp("sqlite")).start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_town(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> AsyncIterator[Server]:
    url = await postgres_server.new_database(postgres_template)
    server = await Server(tmp_path_factory.mktemp("postgres"), database=url).start()
    yield server
    await server.stop()


@pytest.fixture(params=("sqlite", "postgres"))
def server(request: pytest.FixtureRequest) -> Server:
    """A running server; the story is told once for each kind of database."""
    found: Server = request.getfixturevalue(f"{request.param}_town")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def alice(server: Server) -> Person:
    return await server.register("alice")


@pytest_asyncio.fixture(loop_scope="session")
async def bob(server: Server) -> Person:
    return await server.register("bob")


@pytest_asyncio.fixture(loop_scope="session")
async def carol(server: Server) -> Person:
    return await server.register("carol")


@pytest_asyncio.fixture(loop_scope="session")
async def dave(server: Server) -> Person:
    return await server.register("dave")


@pytest_asyncio.fixture(loop_scope="session", params=("sqlite", "postgres"))
async def child(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> AsyncIterator[Child]:
    """A server in a process of its own, for what cannot be done to one that is shared."""
    settings = {}
    if request.param == "postgres":
        settings["database"] = await postgres_server.new_database()
    child = Child(tmp_path / "data", **settings)
    await child.start()
    yield child
    child.end()
    await child.http.aclose()
