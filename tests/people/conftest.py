"""The people's parts over a real database, with a clock that stands still."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from qingxin.clock import HandClock
from qingxin.store.database import Database
from qingxin.store.line import Line
from tests.people.parts import People


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def people(database: Database, clock: HandClock) -> AsyncIterator[People]:
    line = Line(database)
    running = asyncio.create_task(line.run())
    yield People(database, line, clock)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
