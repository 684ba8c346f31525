"""A server in a process of its own, of each kind, for the whole run."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.judges.child import Child
from tests.postgres import PostgresServer


@pytest.fixture(scope="session", params=("sqlite", "postgres"))
def child(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
) -> Iterator[Child]:
    settings = {"log_level": "error"}
    if request.param == "postgres":
        settings["database"] = asyncio.run(postgres_server.new_database())
    child = Child(tmp_path_factory.mktemp("fuzz") / "data", **settings)
    asyncio.run(child.start())
    yield child
    child.end()
