"""A log over a database, and a room to speak in, as one process has them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from qingxin.clock import HandClock
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.log.feed import Feed
from qingxin.log.read import History
from qingxin.log.speech import Founding
from qingxin.log.state import States
from qingxin.log.tail import Tail
from qingxin.store.database import Database
from qingxin.store.line import Line

ALICE = "@alice:example.org"
ROOM = "!room:example.org"


class Process:
    """One process with its own memory over the shared database."""

    def __init__(self, database: Database, clock: HandClock, tail_bytes: int = 1 << 20) -> None:
        self.database, self.clock = database, clock
        self.line = Line(database)
        self.states = States(database)
        self.history = History(database, Tail(tail_bytes), self.states)
        self.feed = Feed(self.history.joined_rooms)
        self.log = Log(
            database, self.line, self.history, self.feed, clock, server_name="example.org"
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, clock: HandClock, tail_bytes: int = 1 << 20
    ) -> AsyncIterator["Process"]:
        process = cls(database, clock, tail_bytes)
        running = asyncio.create_task(process.line.run())
        await process.log.start()
        yield process
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def found(self, room_id: str = ROOM) -> None:
        create = Draft(
            room_id=room_id, sender=ALICE, type="m.room.create", state_key="",
            content={"room_version": "11"},
        )  # fmt: skip
        join = Draft(
            room_id=room_id, sender=ALICE, type=MEMBER, state_key=ALICE,
            content={"membership": "join"},
        )  # fmt: skip
        await self.log.append_all([create, join], Founding(room_id, "11", None))

    async def say(self, text: str, room_id: str = ROOM) -> Event:
        content = {"body": text, "msgtype": "m.text"}
        draft = Draft(room_id=room_id, sender=ALICE, type="m.room.message", content=content)
        return await self.log.append(draft)
