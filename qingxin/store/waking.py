"""Waking: a line learns of what other processes commit, when they say so or by looking.

Only the number is told, never content. Whatever is told may be lost, so there is always a
look into the database now and then: a lost word costs a delay.
"""

import asyncio
import logging
from contextlib import suppress

import msgspec

from qingxin.errors import Unavailable
from qingxin.store.line import Line
from qingxin.store.wire import Wire

LOOK_EVERY = 1.0  # seconds
LOOK_SELDOM = 5.0  # seconds, where others say when there is something
TOPIC = "line"

logger = logging.getLogger("qingxin.store")


class Waking:
    """Refreshes a line: one look at a time, and one more for all that is heard meanwhile."""

    def __init__(self, line: Line, wire: Wire) -> None:
        self._line = line
        self._wire = wire
        self._due = asyncio.Event()
        self._failing = False
        line.on_commit(self._tell)
        wire.on(TOPIC, self._hear)
        wire.on_connect(self._due.set)

    async def run(self) -> None:
        """Look when woken, and now and then, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SELDOM if self._wire.connected else LOOK_EVERY):
                    await self._due.wait()
            self._due.clear()
            await self._look()

    async def _look(self) -> None:
        try:
            await self._line.refresh()
            self._failing = False
        except Unavailable as error:
            if not self._failing:
                logger.warning("What other processes said cannot be read: %s", error)
            self._failing = True
        except Exception:
            logger.exception("What other processes said cannot be read")

    def _tell(self, number: int) -> None:
        self._wire.tell(TOPIC, msgspec.json.encode((self._line.shard, number)))

    def _hear(self, message: bytes) -> None:
        shard, number = msgspec.json.decode(message, type=tuple[int, int])
        if shard == self._line.shard and number > self._line.number:
            self._due.set()
