"""How long it takes to walk back through a long room."""

from __future__ import annotations

from time import perf_counter
from urllib.parse import quote

import msgspec
from msgspec import Struct

from bench.client import Refused, connect, request
from bench.measurement import Figures, Measurement, Row
from bench.world import V3, Person, World

MEMBERS = 8


class Page(Struct):
    """The fields of a page of messages that a walk needs."""

    chunk: list[msgspec.Raw]
    end: str | None = None


class History(Measurement):
    """Page after page of 100, from the newest event to the first."""

    name = "history"
    rows = (Row("history", "walking back 10,000 events, 100 a page", "s", at_most=1 / 10),)

    async def prepare(self) -> None:
        await long_room(self.world)

    async def measure(self) -> Figures:
        people, room_id = await long_room(self.world)
        seconds, seen = await walk_back(self.world, people[0], room_id)
        if seen < self.sizes.history:
            raise Refused(f"walking back showed {seen} of {self.sizes.history} events")
        return {"history": seconds * 10_000 / seen}


async def long_room(world: World) -> tuple[list[Person], str]:
    """A room of eight with a long history."""
    people = await world.crowd("elders", MEMBERS)
    return people, await room_of_length(world, people, world.sizes.history)


async def room_of_length(world: World, people: list[Person], length: int) -> str:
    name = f"history {length}"
    new = name not in world.rooms
    room_id = await world.room(name, people)
    if new:
        with world.progress(f"say {length} things in one room"):
            await world.fill([room_id], people, length)
    return room_id


async def walk_back(world: World, reader: Person, room_id: str) -> tuple[float, int]:
    """Seconds from the first question to the last answer, and how many events came."""
    [line] = await connect(world.port, 1)
    path = f"{V3}/rooms/{quote(room_id)}/messages?dir=b&limit={world.sizes.page}"
    start, seen, place = perf_counter(), 0, ""
    while True:
        page = await line.read(request("GET", path + place, token=reader.token), Page)
        seen += len(page.chunk)
        if not page.chunk or page.end is None:
            break
        place = f"&from={quote(page.end)}"
    line.close()
    return perf_counter() - start, seen
