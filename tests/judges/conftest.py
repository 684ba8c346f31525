"""The server that is judged: as its operator runs it, on every database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.judges.child import Child
from tests.postgres import PostgresServer


@pytest.fixture(params=("sqlite", "postgres"))
async def child(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresServer
) -> AsyncIterator[Child]:
    settings = {}
    if request.param == "postgres":
        settings["database"] = await postgres_server.new_database()
    child = Child(tmp_path / "data", **settings)
    await child.start()
    yield child
    child.end()
