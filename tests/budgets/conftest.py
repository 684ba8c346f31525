"""The servers of the stories."""

from pathlib import Path

import pytest

from tests.stories.conftest import alice, bob, postgres_town, server, share_a_loop, sqlite_town

__all__ = ["alice", "bob", "postgres_town", "server", "sqlite_town"]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    share_a_loop(items, HERE)
