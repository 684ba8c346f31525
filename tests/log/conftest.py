"""One process, unless a test opens another."""

from collections.abc import AsyncIterator

import pytest

from qingxin.clock import HandClock
from qingxin.store.database import Database
from tests.log.parts import Process


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def process(database: Database, clock: HandClock) -> AsyncIterator[Process]:
    async with Process.open(database, clock) as process:
        await process.found()
        yield process
