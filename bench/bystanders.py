"""Whether thousands who only wait, or clients that stall, slow the others; what each costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import quote

from bench.client import connect, request
from bench.history import long_room
from bench.listening import listening
from bench.measurement import Figures, Measurement, Row, in_ms, percentile
from bench.sends import sender_rooms, sends
from bench.world import V3, Person, World

SETTLE = 2.0
# Less than a stalled client is sent: it asks for a thousand events and reads none.
SMALL_BUFFER = 4096
BIG_PAGE = 1000


class Bystanders(Measurement):
    """Sends as in `sends`: alone, beside idle long-polls, beside stalled clients, alone again."""

    name = "bystanders"
    once = True
    rows = (
        Row("alone", "sends per second with nobody else", "1/s"),
        Row("alone_p99", "p99 of those sends", "ms"),
        Row("idle", "sends per second beside idle long-polls", "1/s", at_least=0.9, beside="alone"),
        Row("idle_p99", "p99 of those sends", "ms"),
        Row("idle_count", "idle long-polls", ""),
        Row("idle_memory", "memory of each idle long-poll", "KiB"),
        Row("slow", "sends per second beside stalled clients", "1/s", at_least=0.9, beside="alone"),
        Row("slow_p99", "p99 of those sends", "ms"),
        Row("slow_count", "stalled clients, a page of 1,000 events each", ""),
        Row("slow_memory", "memory of each stalled client", "KiB"),
    )

    async def prepare(self) -> None:
        await sender_rooms(self.world)
        await long_room(self.world)
        await self.world.catch_up(await self.idlers())

    async def idlers(self) -> Sequence[Person]:
        """People in rooms in which nothing happens."""
        idlers = await self.world.crowd("idlers", self.sizes.idlers)
        size = self.sizes.idlers_per_room
        companies = [idlers[start : start + size] for start in range(0, len(idlers), size)]
        await self.world.many_rooms("idle", companies)
        return idlers

    async def measure(self) -> Figures:
        idlers = await self.idlers()
        await self.world.catch_up(idlers)
        before = await self.sends()
        idle = await self.beside(listening(self.world, idlers), "idle", len(idlers))
        slow = await self.beside(stalled(self.world), "slow", self.sizes.slow_readers)
        after = await self.sends()
        alone = {
            "alone": (len(before) + len(after)) / 2 / self.sizes.budget,
            "alone_p99": in_ms(percentile(before + after, 0.99)),
        }
        return {**alone, **idle, **slow}

    async def beside(
        self, others: AbstractAsyncContextManager[object], name: str, count: int
    ) -> Figures:
        """The sends and the growth of memory while the others are there."""
        memory = self.world.server.memory()
        async with others:
            await asyncio.sleep(SETTLE)
            each = (self.world.server.memory() - memory) * 1024 / count
            took = await self.sends()
        return {
            name: len(took) / self.sizes.budget,
            f"{name}_p99": in_ms(percentile(took, 0.99)),
            f"{name}_count": count,
            f"{name}_memory": each,
        }

    async def sends(self) -> list[float]:
        return await sends(self.world, self.sizes.budget)


@asynccontextmanager
async def stalled(world: World) -> AsyncIterator[None]:
    """Clients that asked for a large answer and don't read it."""
    people, room_id = await long_room(world)
    path = f"{V3}/rooms/{quote(room_id)}/messages?dir=b&limit={BIG_PAGE}"
    lines = await connect(world.port, world.sizes.slow_readers, receive_buffer=SMALL_BUFFER)
    questions = []
    for number, line in enumerate(lines):
        token = people[number % len(people)].token
        questions.append(asyncio.create_task(line.ask(request("GET", path, token=token))))
        await asyncio.sleep(0)
        line.stop_reading()
    yield
    for question in questions:
        question.cancel()
    for line in lines:
        line.close()
