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
    """Sends as in `sends`: alone, beside stalled clients, alone again, beside idle long-polls."""

    name = "bystanders"
    once = True
    rows = (
        Row("alone", "sends per second with nobody else", "1/s"),
        Row("alone_p99", "p99 of those sends", "ms"),
        Row("idle", "sends per second beside idle long-polls", "1/s", at_least=0.9, beside="alone"),
        Row("idle_p99", "p99 of those sends", "ms"),
        Row("idle_count", "idle long-polls", ""),
        Row("idle_memory", "memory of each idle long-poll and its person", "KiB"),
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
        slow, first = await self.beside("slow", self.sizes.slow_readers, stalled(self.world))
        idle, second = await self.beside("idle", len(idlers), listening(self.world, idlers))
        alone = first + second
        return {
            "alone": len(alone) / 2 / self.sizes.budget,
            "alone_p99": in_ms(percentile(alone, 0.99)),
            **idle,
            **slow,
        }

    async def beside(
        self, name: str, count: int, others: AbstractAsyncContextManager[object]
    ) -> tuple[Figures, list[float]]:
        """Sends and the growth of memory while the others are there; the sends before they came.

        The server starts anew: what others left behind would hide what these take.
        """
        self.world.server.stop()
        self.world.server.start()
        alone = await self.sends()
        memory = self.world.server.memory()
        async with others:
            await asyncio.sleep(SETTLE)
            each = (self.world.server.memory() - memory) * 1024 / count
            took = await self.sends()
        figures: Figures = {
            name: len(took) / self.sizes.budget,
            f"{name}_p99": in_ms(percentile(took, 0.99)),
            f"{name}_count": count,
            f"{name}_memory": each,
        }
        return figures, alone

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
