"""Two servers over one database, and people who use both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.nats import NatsServer
from tests.stories.cast import Person
from tests.stories.server import Server


class Pair:
    """`left` and `right` share a database and a NATS; each has memory of its own."""

    def __init__(self, left: Server, right: Server, nats: NatsServer) -> None:
        self.left, self.right, self.nats = left, right, nats

    @classmethod
    @asynccontextmanager
    async def open(cls, database: str, data: Path) -> AsyncIterator["Pair"]:
        nats = await NatsServer().start()
        try:
            left = await Server(data / "left", database=database, nats=nats.url).start()
            right = await Server(data / "right", database=database, nats=nats.url).start()
            pair = cls(left, right, nats)
            await pair.hears()
            try:
                yield pair
            finally:
                await left.stop()
                await right.stop()
        finally:
            nats.stop()

    async def hears(self) -> None:
        """Both have reached NATS."""
        await until(lambda: self.left.app.wire.connected and self.right.app.wire.connected)

    async def is_deaf(self) -> None:
        """Both have noticed that NATS is gone."""
        await until(lambda: not (self.left.app.wire.connected or self.right.app.wire.connected))

    async def agrees(self) -> None:
        """Each knows all that the other has committed."""
        left, right = self.left.app.line, self.right.app.line
        await until(lambda: left.number == right.number)

    def at_left(self, person: Person) -> Person:
        return Person(self.left.http, person.session)

    def at_right(self, person: Person) -> Person:
        """The same device, whose requests go to the other server from now on."""
        return Person(self.right.http, person.session)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what nothing announces."""
    while not true():
        await asyncio.sleep(0.01)
