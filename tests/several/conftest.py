"""A pair of servers shared by all stories here, and new people for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from qingxin.people import sessions
from qingxin.store import waking
from tests.postgres import PostgresServer
from tests.several.pair import Pair
from tests.stories.cast import Person

HERE = Path(__file__).parent
NEVER = 10**9


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories share one event loop with the servers that they share."""
    together = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(together, append=False)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by themselves while they hear: what is not told is never known."""
    monkeypatch.setattr(waking, "LOOK_SELDOM", NEVER)
    monkeypatch.setattr(waking, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(sessions, "RECHECK", NEVER)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pair(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> AsyncIterator[Pair]:
    url = await postgres_server.new_database(postgres_template)
    async with Pair.open(url, tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest_asyncio.fixture(loop_scope="session")
async def alice(pair: Pair) -> Person:
    """Alice begins at the left."""
    return await pair.left.register("alice")


@pytest_asyncio.fixture(loop_scope="session")
async def bob(pair: Pair) -> Person:
    """Bob begins at the right."""
    return await pair.right.register("bob")
