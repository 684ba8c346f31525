"""People whose apps wait in long polls, as every app does all day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from bench.client import Connection, connect
from bench.world import LAZY, Person, World, messages_in, next_batch, sync_request

WAIT_MS = 30_000
GIVE_UP = 60.0


class Audience:
    """Everybody who listens: how much they heard, together and since when."""

    def __init__(self) -> None:
        self.size = 0
        self.heard = 0
        self.first_at = 0.0
        self.last_at = 0.0
        self.goal = 0
        self.reached: asyncio.Future[None] | None = None

    def expect(self, messages: int) -> asyncio.Future[None]:
        """Done when so many more messages have each reached everybody."""
        self.goal = self.heard + messages * self.size
        self.first_at = 0.0
        self.reached = asyncio.get_running_loop().create_future()
        return self.reached

    def note(self, news: int) -> None:
        self.heard += news
        self.last_at = perf_counter()
        self.first_at = self.first_at or self.last_at
        if self.reached and self.heard >= self.goal and not self.reached.done():
            self.reached.set_result(None)


async def listen(line: Connection, person: Person, world: World, audience: Audience) -> None:
    """One person's loop of syncs."""
    while True:
        since = world.places[person]
        body = await line.need(sync_request(person, since, timeout=WAIT_MS, filter=LAZY))
        if news := messages_in(body):
            audience.note(news)
        world.places[person] = next_batch(body)


@asynccontextmanager
async def listening(world: World, people: Sequence[Person]) -> AsyncIterator[Audience]:
    """All these people wait for news until the block ends."""
    await world.catch_up(people)
    lines = await connect(world.port, len(people))
    audience = Audience()
    audience.size = len(people)
    tasks = [
        asyncio.create_task(listen(line, person, world, audience))
        for line, person in zip(lines, people, strict=True)
    ]
    try:
        yield audience
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for line in lines:
            line.close()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
