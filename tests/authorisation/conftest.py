"""A server with people of every standing; who may do what does not depend on the database."""

from pathlib import Path

import pytest
import pytest_asyncio

from tests.authorisation import people
from tests.authorisation.people import Owner
from tests.stories.cast import Caller, Person
from tests.stories.conftest import share_a_loop, sqlite_town
from tests.stories.server import Server

__all__ = ["sqlite_town"]
HERE = Path(__file__).parent
session = pytest_asyncio.fixture(scope="session", loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_a_loop(items, HERE)


@pytest.fixture(scope="session")
def server(sqlite_town: Server) -> Server:
    return sqlite_town


@pytest_asyncio.fixture(loop_scope="session")
async def owner(server: Server) -> Owner:
    """Somebody whose things a test may change."""
    return await Owner(server).arrives()


@session
async def settled(server: Server) -> Owner:
    """Somebody whose things nobody gets at."""
    return await Owner(server).arrives()


@pytest_asyncio.fixture(loop_scope="session")
async def other(server: Server) -> Person:
    return await server.register("other")


@pytest_asyncio.fixture(loop_scope="session")
async def moderator(server: Server) -> Person:
    return await people.marked(server, moderator=True)


@pytest_asyncio.fixture(loop_scope="session")
async def locked(server: Server) -> Person:
    return await people.marked(server, locked=True)


@session
async def closed(server: Server) -> Person:
    return await people.closed(server)


@pytest.fixture
def nobody(server: Server) -> Caller:
    return Caller(server.http)


@pytest.fixture
def impostor(server: Server) -> Caller:
    """Somebody with a token that was never given out."""
    return Caller(server.http, {"access_token": "a-token-that-nobody-was-given"})
