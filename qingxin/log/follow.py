"""Followers: what reads the log after commit, in order, and never loses its place.

The place is a durable cursor, saved after the events were taken: a follower is told
everything at least once. Of several processes one holds the lease of a follower at a time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from qingxin import ids
from qingxin.clock import Clock
from qingxin.log.append import Log
from qingxin.log.event import SELECTED, Event
from qingxin.log.feed import Feed
from qingxin.store.database import Database, sql

MOST = 500  # events at a time
LEASE = 10_000  # milliseconds after which the follower of a process that died is taken over
LOOK_EVERY = 5.0  # seconds between looks for a lease that is free
LONGEST_PAUSE = 60.0  # seconds between attempts at events that cannot be taken

BEGIN = """
    INSERT INTO cursors (follower, shard, position) VALUES (:follower, :shard, :position)
    ON CONFLICT (follower, shard) DO NOTHING
"""
CLAIM = """
    UPDATE cursors SET holder = :holder, held_until = :until
    WHERE follower = :follower AND shard = :shard AND (holder = :holder OR held_until <= :now)
    RETURNING position
"""
RENEW = """
    UPDATE cursors SET held_until = :until
    WHERE follower = :follower AND shard = :shard AND holder = :holder
"""
SAVE = """
    UPDATE cursors SET position = :position, held_until = :until
    WHERE follower = :follower AND shard = :shard AND holder = :holder
    RETURNING position
"""
PAGE = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.position > :after AND e.position <= :until
    ORDER BY e.position LIMIT :limit
"""

Take = Callable[[Sequence[Event]], Awaitable[None]]
logger = logging.getLogger("qingxin.log")


class Follower:
    """Hands every event to `take`, which must be able to stand seeing one twice.

    A follower that is new begins with what comes after, or, if `whole`, with the first event.
    """

    def __init__(
        self,
        name: str,
        take: Take,
        *,
        log: Log,
        feed: Feed,
        database: Database,
        clock: Clock,
        whole: bool = False,
    ) -> None:
        self._take = take
        self._log = log
        self._feed = feed
        self._database = database
        self._clock = clock
        self._whole = whole
        self._key = {"follower": name, "shard": log.line.shard}
        self._mine = {**self._key, "holder": ids.opaque()}
        self._at = -1  # everything up to here was taken
        self._held_until = 0

    async def run(self) -> None:
        """Follow for ever."""
        await self._log.start()
        pause = 1.0
        with self._feed.follow() as bell:
            while True:
                try:
                    if not await self._step():
                        await bell.ring(LOOK_EVERY)
                    pause = 1.0
                except asyncio.CancelledError:
                    await self._let_go()
                    raise
                except Exception:
                    logger.exception("%s cannot go on after %d", self._key["follower"], self._at)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)

    async def _step(self) -> bool:
        """Take what comes next; whether there was anything."""
        if self._feed.number <= self._at or not await self._hold():
            return False
        after, until = self._at, self._feed.number
        events = await self._page(after, until)
        if not events:
            self._at = until
            return False
        async with self._renewed():
            await self._take(events)
        await self._save(events[-1].position if len(events) == MOST else until)
        return True

    async def _hold(self) -> bool:
        """Have the lease, and with it the place; whether nobody else has it."""
        now = self._clock.now()
        if now < self._held_until:
            return True
        start = 0 if self._whole else self._feed.number
        until = now + LEASE
        _, rows = await self._database.write(
            sql(BEGIN, position=start, **self._key), sql(CLAIM, now=now, until=until, **self._mine)
        )
        if rows:
            self._at = max(self._at, rows[0][0])
            self._held_until = until
        return bool(rows)

    async def _page(self, after: int, until: int) -> list[Event]:
        events = self._log.history.tail.since(after)
        if events is not None:
            return [event for event in events if event.position <= until][:MOST]
        rows = await self._database.all(
            PAGE, shard=self._key["shard"], after=after, until=until, limit=MOST
        )
        return [Event.of(row) for row in rows]

    @asynccontextmanager
    async def _renewed(self) -> AsyncIterator[None]:
        """Keep the lease for as long as taking takes."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3000)
            with suppress(Exception):  # it is tried again, and the lease is longer
                until = self._clock.now() + LEASE
                await self._database.write(sql(RENEW, until=until, **self._mine))

    async def _save(self, position: int) -> None:
        until = self._clock.now() + LEASE
        (rows,) = await self._database.write(
            sql(SAVE, position=position, until=until, **self._mine)
        )
        self._at, self._held_until = (position, until) if rows else (self._at, 0)

    async def _let_go(self) -> None:
        with suppress(Exception):
            await self._database.write(sql(RENEW, until=0, **self._mine))
