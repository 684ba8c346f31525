"""How fast people come into one public room."""

from __future__ import annotations

from time import perf_counter

from bench.client import Connection, connect, share_out
from bench.measurement import Figures, Measurement, Row
from bench.world import Person, join_request


class Joins(Measurement):
    """Sixty-four at a time, into a room that is new in every round."""

    name = "joins"
    rows = (Row("joins", "joins per second into one public room", "1/s", at_least=20),)
    rounds = 0

    async def prepare(self) -> None:
        await self.world.crowd("joiners", self.sizes.joiners)

    async def measure(self) -> Figures:
        people = await self.world.crowd("joiners", self.sizes.joiners)
        self.rounds += 1
        room_id = await self.world.room(f"joined in round {self.rounds}", people[:1])

        async def enter(line: Connection, person: Person) -> None:
            await line.need(join_request(person, room_id))

        lines = await connect(self.world.port, self.sizes.senders)
        start = perf_counter()
        joined = await share_out(lines, people[1:], enter, until=start + self.sizes.budget)
        seconds = min(perf_counter() - start, self.sizes.budget)
        for line in lines:
            line.close()
        return {"joins": joined / seconds}
