"""What a send and a sync cost as everything around them grows: the curves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

from bench.client import connect
from bench.fanout import followed_room
from bench.history import long_room, room_of_length
from bench.incremental_sync import syncs
from bench.measurement import Curve, Figures, Measurement, Row, in_ms
from bench.servers import Server
from bench.world import Person, Saying, World


class Cost:
    """The server's processor time over some acts."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.seconds = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        before = self.server.cpu_seconds()
        yield
        self.seconds = self.server.cpu_seconds() - before


class SendByLength(Measurement):
    """One sender, one message after the other, into rooms with more and more behind them."""

    name = "send_by_length"
    once = True
    rows = (
        Row("send_by_length", "a send, by events in the room", "ms, median", flat=True),
        Row("send_by_length_cpu", "a send, by events in the room", "ms of server CPU", flat=True),
    )

    async def prepare(self) -> None:
        for length in self.sizes.curve_lengths:
            await self.room(length)

    async def room(self, length: int) -> tuple[Person, str]:
        people, _ = await long_room(self.world)
        return people[0], await room_of_length(self.world, people, length)

    async def measure(self) -> Figures:
        rooms = {length: await self.room(length) for length in self.sizes.curve_lengths}
        times, costs = await costs_of_sends(self.world, rooms)
        return {"send_by_length": times, "send_by_length_cpu": costs}


class SendByMembers(Measurement):
    """The same into rooms with more and more members, none of whom is online."""

    name = "send_by_members"
    once = True
    rows = (
        Row("send_by_members", "a send, by silent members of the room", "ms, median", flat=True),
        Row(
            "send_by_members_cpu",
            "a send, by silent members of the room",
            "ms of server CPU",
            flat=True,
        ),
    )

    async def prepare(self) -> None:
        for size in self.sizes.curve_members:
            await self.room(size)

    async def room(self, size: int) -> tuple[Person, str]:
        if size == self.sizes.followers:
            publisher, _, room_id = await followed_room(self.world)
            return publisher, room_id
        people = await self.world.crowd("silent", size)
        return people[0], await self.world.room(f"silent {size}", people)

    async def measure(self) -> Figures:
        rooms = {size: await self.room(size) for size in self.sizes.curve_members}
        times, costs = await costs_of_sends(self.world, rooms)
        return {"send_by_members": times, "send_by_members_cpu": costs}


class SyncByRooms(Measurement):
    """One new event in one room, for people who are in more and more rooms."""

    name = "sync_by_rooms"
    once = True
    rows = (
        Row(
            "sync_by_rooms",
            "an incremental sync, by rooms with nothing new",
            "ms, median",
            flat=True,
        ),
        Row(
            "sync_by_rooms_cpu",
            "an incremental sync and the send before it, by rooms with nothing new",
            "ms of server CPU",
            flat=True,
        ),
    )

    async def prepare(self) -> None:
        await self.readers()

    async def readers(self) -> tuple[Person, dict[int, Person], list[str]]:
        """Who writes, who reads in how many of the rooms, and the rooms."""
        counts = self.sizes.curve_rooms
        writer, *people = await self.world.crowd("readers", len(counts) + 1)
        in_rooms = dict(zip(counts, people, strict=True))
        companies = [
            [writer, *(person for count, person in in_rooms.items() if number < count)]
            for number in range(max(counts))
        ]
        return writer, in_rooms, await self.world.many_rooms("quiet", companies)

    async def measure(self) -> Figures:
        writer, in_rooms, rooms = await self.readers()
        times, costs = Curve(), Curve()
        for count, reader in in_rooms.items():
            await self.world.catch_up([reader])
            cost = Cost(self.world.server)
            with cost.counted():
                took = await syncs(self.world, reader, writer, rooms[:1], self.sizes.curve_syncs)
            times[count] = in_ms(median(took))
            costs[count] = in_ms(cost.seconds / len(took))
        return {"sync_by_rooms": times, "sync_by_rooms_cpu": costs}


async def costs_of_sends(world: World, rooms: dict[int, tuple[Person, str]]) -> tuple[Curve, Curve]:
    """Both curves over these rooms: the time of a send, and its processor time."""
    times, costs = Curve(), Curve()
    for size, (person, room_id) in rooms.items():
        times[size], costs[size] = await cost_of_sends(world, person, room_id)
    return times, costs


async def cost_of_sends(world: World, person: Person, room_id: str) -> tuple[float, float]:
    """Median time of a send and the server's processor time for one, in ms."""
    [line] = await connect(world.port, 1)
    saying = Saying(person, room_id)
    await line.need(saying.message())
    took, cost = [], Cost(world.server)
    end = perf_counter() + world.sizes.curve_budget
    with cost.counted():
        while (start := perf_counter()) < end:
            await line.need(saying.message())
            took.append(perf_counter() - start)
    line.close()
    return in_ms(median(took)), in_ms(cost.seconds / len(took))
