"""How long one post takes to reach everybody who follows a public account and is listening."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter

from bench.client import connect
from bench.listening import listening
from bench.measurement import Figures, Measurement, Row, in_ms
from bench.world import Person, Saying, World

SETTLE = 1.0


class Fanout(Measurement):
    """Some posts, one after the other, each when the last had reached everybody."""

    name = "fanout"
    rows = (
        Row(
            "fanout",
            "one post to {followers} listening followers, first to last",
            "ms",
            at_most=1 / 15,
        ),
        Row(
            "fanout_from_post",
            "the same, from sending the post to the last follower",
            "ms",
            at_most=1 / 15,
        ),
    )

    async def prepare(self) -> None:
        await followed_room(self.world)

    async def measure(self) -> Figures:
        publisher, followers, room_id = await followed_room(self.world)
        [line] = await connect(self.world.port, 1)
        saying = Saying(publisher, room_id)
        spreads, totals = [], []
        async with listening(self.world, followers) as audience:
            for _ in range(self.sizes.posts):
                await asyncio.sleep(SETTLE)
                reached = audience.expect(1)
                start = perf_counter()
                await line.need(saying.message())
                await reached
                spreads.append(audience.last_at - audience.first_at)
                totals.append(audience.last_at - start)
        line.close()
        return {"fanout": in_ms(median(spreads)), "fanout_from_post": in_ms(median(totals))}


async def followed_room(world: World) -> tuple[Person, list[Person], str]:
    """The publisher, the followers and their room."""
    publisher, *followers = await world.crowd("followers", world.sizes.followers + 1)
    return publisher, followers, await world.room("followed", [publisher, *followers])
