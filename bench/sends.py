"""How many messages a second are accepted, each answered only when it is durably committed."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from time import perf_counter
from urllib.parse import quote

import msgspec

from bench.client import Connection, Refused, connect, request
from bench.measurement import Figures, Measurement, Row, in_ms, percentile
from bench.world import V3, Person, Saying, Sent, World


class Sends(Measurement):
    """Every sender posts the next message when the last one was answered; nobody listens."""

    name = "sends"
    rows = (
        Row(
            "sends",
            "sends per second, {senders} users in {sender_rooms} rooms",
            "1/s",
            at_least=40,
        ),
        Row("sends_p99", "p99 of those sends", "ms", at_most=1 / 20),
        Row("sends_p50", "median of those sends", "ms"),
    )

    async def prepare(self) -> None:
        await sender_rooms(self.world)

    async def measure(self) -> Figures:
        took = await sends(self.world, self.sizes.budget)
        return {
            "sends": len(took) / self.sizes.budget,
            "sends_p99": in_ms(percentile(took, 0.99)),
            "sends_p50": in_ms(percentile(took, 0.5)),
        }


async def sender_rooms(world: World) -> list[tuple[Person, str]]:
    """Each sender with the room that they post into."""
    sizes = world.sizes
    people = await world.crowd("senders", sizes.senders)
    companies = [people[number :: sizes.sender_rooms] for number in range(sizes.sender_rooms)]
    rooms = await world.many_rooms("senders", companies)
    return list(zip(people, islice(cycle(rooms), sizes.senders), strict=True))


async def sends(world: World, budget: float) -> list[float]:
    """Seconds that each send took which was answered within the budget, after a warm-up."""
    pairs = await sender_rooms(world)
    lines = await connect(world.port, len(pairs))
    start = perf_counter() + world.sizes.warm_up
    took: list[float] = []
    async with asyncio.TaskGroup() as group:
        for line, pair in zip(lines, pairs, strict=True):
            group.create_task(keep_sending(line, pair, start, start + budget, took))
    for line in lines:
        line.close()
    if not took:
        raise Refused(f"no send was answered within {budget:g} s")
    return took


async def keep_sending(
    line: Connection, pair: tuple[Person, str], start: float, end: float, took: list[float]
) -> None:
    person, room_id = pair
    saying = Saying(person, room_id)
    while (asked := perf_counter()) < end:
        body = await line.need(saying.message())
        answered = perf_counter()
        if start <= answered <= end:
            took.append(answered - asked)
    await check_kept(line, person, room_id, msgspec.json.decode(body, type=Sent).event_id)


async def check_kept(line: Connection, person: Person, room_id: str, event_id: str) -> None:
    """An answer must mean that the event is there: raises Refused if the last one isn't."""
    path = f"{V3}/rooms/{quote(room_id)}/event/{quote(event_id)}"
    await line.need(request("GET", path, token=person.token))
