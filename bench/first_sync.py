"""How long somebody waits who opens the app on a new device, with a hundred rooms."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import msgspec

from bench.client import Refused, connect
from bench.measurement import Figures, Measurement, Row, in_ms
from bench.world import Person, World, sync_request


class FirstSync(Measurement):
    """Right after the start, each sync by another person: no answer was made before."""

    name = "first_sync"
    rows = (
        Row(
            "first_sync",
            "first sync of {first_sync_rooms} rooms, not cached",
            "ms",
            at_most=1 / 10,
        ),
    )

    async def prepare(self) -> None:
        await hundred_rooms(self.world)

    async def measure(self) -> Figures:
        people, rooms = await hundred_rooms(self.world)
        [line] = await connect(self.world.port, 1)
        took = []
        for person in people[: self.sizes.first_syncs]:
            start = perf_counter()
            body = await line.need(sync_request(person))
            took.append(perf_counter() - start)
            check_rooms(body, len(rooms))
        line.close()
        return {"first_sync": in_ms(median(took))}


def check_rooms(body: bytes, size: int) -> None:
    joined = msgspec.json.decode(body)["rooms"]["join"]
    if len(joined) < size:
        raise Refused(f"a first sync shows {len(joined)} of {size} rooms")


async def hundred_rooms(world: World) -> tuple[list[Person], list[str]]:
    """The people of the hundred rooms, and the rooms, with something said in each."""
    sizes = world.sizes
    people = await world.crowd("familiars", sizes.familiars)
    new = "familiar 0" not in world.rooms
    rooms = await world.many_rooms("familiar", [people] * sizes.first_sync_rooms)
    if new:
        with world.progress(f"say {sizes.words_per_room} things in each of {len(rooms)} rooms"):
            await world.fill(rooms, people, sizes.words_per_room)
    return people, rooms
