"""How long one new event takes to fetch for somebody in a hundred rooms."""

from __future__ import annotations

from time import perf_counter

from bench.client import Connection, connect
from bench.first_sync import hundred_rooms
from bench.measurement import Figures, Measurement, Row, in_ms, percentile
from bench.world import (
    LAZY,
    Person,
    Saying,
    World,
    messages_in,
    next_batch,
    sync_request,
)


class IncrementalSync(Measurement):
    """Somebody else posts into one of the rooms; then the sync is asked for, and timed."""

    name = "incremental_sync"
    rows = (
        Row("incremental_p99", "incremental sync with one new event, p99", "ms", at_most=1 / 5),
        Row("incremental_p50", "incremental sync with one new event, median", "ms"),
    )

    async def prepare(self) -> None:
        await hundred_rooms(self.world)

    async def measure(self) -> Figures:
        people, rooms = await hundred_rooms(self.world)
        reader, writer, *_ = people
        await self.world.catch_up([reader])
        took = await syncs(self.world, reader, writer, rooms, self.sizes.incremental_syncs)
        return {
            "incremental_p99": in_ms(percentile(took, 0.99)),
            "incremental_p50": in_ms(percentile(took, 0.5)),
        }


async def syncs(
    world: World, reader: Person, writer: Person, rooms: list[str], size: int
) -> list[float]:
    """Seconds that each of so many syncs took, every one with one event that it must bring."""
    reading, writing = await connect(world.port, 2)
    sayings = [Saying(writer, room_id) for room_id in rooms]
    took = []
    for number in range(size):
        await writing.need(sayings[number % len(sayings)].message())
        world.places[reader], seconds = await sync_for_one(reading, reader, world.places[reader])
        took.append(seconds)
    reading.close()
    writing.close()
    return took


async def sync_for_one(line: Connection, reader: Person, since: str) -> tuple[str, float]:
    """Sync until the message is there: an answer without it counts as waiting for it."""
    start = perf_counter()
    while True:
        body = await line.need(sync_request(reader, since, timeout=10_000, filter=LAZY))
        since = next_batch(body)
        if messages_in(body):
            return since, perf_counter() - start
