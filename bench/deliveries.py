"""How fast a lively room reaches everybody who is looking at it."""

from __future__ import annotations

import asyncio
from time import perf_counter

from bench.client import Connection, connect
from bench.listening import Audience, listening
from bench.measurement import Figures, Measurement, Row
from bench.world import Person, Saying, World


class Deliveries(Measurement):
    """Members wait in long polls. A delivery is one message that reached one member.

    First some of them post as fast as they are answered; a sync may then bring
    several messages at once, which helps either server. Then one message at a
    time, the next when everybody has the last: that leaves nothing to bundle.
    """

    name = "deliveries"
    rows = (
        Row(
            "deliveries",
            "deliveries per second in a room of {listeners} long-polling members",
            "1/s",
            at_least=30,
        ),
        Row("deliveries_in_turn", "the same, one message at a time", "1/s", at_least=30),
    )

    async def prepare(self) -> None:
        await lively_room(self.world)

    async def measure(self) -> Figures:
        people, room_id = await lively_room(self.world)
        sayings = [Saying(person, room_id) for person in people[: self.sizes.speakers]]
        lines = await connect(self.world.port, len(sayings))
        async with listening(self.world, people) as audience:
            in_turn = await self.in_turn(audience, lines[0], sayings[0])
            at_once = await self.at_once(audience, lines, sayings)
        for line in lines:
            line.close()
        return {"deliveries": at_once, "deliveries_in_turn": in_turn}

    async def at_once(
        self, audience: Audience, lines: list[Connection], sayings: list[Saying]
    ) -> float:
        start = perf_counter() + self.sizes.warm_up
        end = start + self.sizes.budget
        async with asyncio.TaskGroup() as group:
            for line, saying in zip(lines, sayings, strict=True):
                group.create_task(keep_talking(line, saying, end))
            await asyncio.sleep(start - perf_counter())
            before = audience.heard
            await asyncio.sleep(end - perf_counter())
            heard = audience.heard - before
        return heard / self.sizes.budget

    async def in_turn(self, audience: Audience, line: Connection, saying: Saying) -> float:
        begun, before = perf_counter(), audience.heard
        while perf_counter() < begun + self.sizes.budget / 2:
            reached = audience.expect(1)
            await line.need(saying.message())
            await reached
        return (audience.heard - before) / (perf_counter() - begun)


async def lively_room(world: World) -> tuple[list[Person], str]:
    """The members of the lively room, and the room."""
    people = await world.crowd("listeners", world.sizes.listeners)
    return people, await world.room("lively", people)


async def keep_talking(line: Connection, saying: Saying, end: float) -> None:
    while perf_counter() < end:
        await line.need(saying.message())
