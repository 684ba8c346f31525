"""The cast: alice, bob and carol have accounts and are signed in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin.clock import HandClock
from qingxin.store.database import Database
from tests.rooms.house import Guest, House


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def house(database: Database, tmp_path: Path, clock: HandClock) -> AsyncIterator[House]:
    async with House.open(database, tmp_path, clock) as house:
        yield house


@pytest.fixture
async def alice(house: House) -> Guest:
    return await house.register("alice")


@pytest.fixture
async def bob(house: House) -> Guest:
    return await house.register("bob")


@pytest.fixture
async def carol(house: House) -> Guest:
    return await house.register("carol")
