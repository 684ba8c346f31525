"""The line: every durable, ordered change of one shard, numbered in commit order.

A position is (shard, number). Whatever queues up while a commit is on its way to the disk
goes into the next commit together (group commit); an entry is answered only when it is
durable. Numbers become visible in commit order with any number of writing processes, since
the shard's row in `log_heads` is held while they are given out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from qingxin.errors import Unavailable
from qingxin.store.database import Database, Disturbed, Insert, Row, Write

MOST_AT_ONCE = 512  # entries in one commit: bounds the time a single one can wait
NUMBER = "SELECT number FROM log_heads WHERE shard = :shard"
STOPPING = "The server is shutting down."

logger = logging.getLogger("qingxin.store")


class Entry:
    """One change on its way into the line. `room_id` and `user_id` say whom it concerns."""

    room_id: str | None = None
    user_id: str | None = None
    count = 1  # how many numbers it takes, known once it is prepared

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        """The writes that make it so from `number` on; raising refuses this entry alone.

        `at_once` lives as long as this commit: what an entry leaves there, later ones see.
        It may be asked again, with another number, when the commit did not succeed.
        """
        raise NotImplementedError


class Record(Entry):
    """An entry whose writes need nothing but their number."""

    def __init__(
        self,
        writes: Callable[[int], Sequence[Write]],
        *,
        room_id: str | None = None,
        user_id: str | None = None,
        news: Any = None,
    ) -> None:
        self._writes = writes
        self.room_id = room_id
        self.user_id = user_id
        self.news = news  # what the feed hands to those who listen, e.g. a receipt

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        return self._writes(number)


Batch = Sequence[tuple[Entry, asyncio.Future[int]]]
Announce = Callable[[Sequence[tuple[int, Entry]]], None]
CatchUp = Callable[[int, int], Awaitable[None]]


class Line:
    """Takes entries from any number of callers and commits them in order, many at a time."""

    def __init__(self, database: Database, shard: int = 0) -> None:
        self.shard = shard
        self._database = database
        self._queue: list[tuple[Entry, asyncio.Future[int]]] = []
        self._waiting = asyncio.Event()
        self._learning = asyncio.Lock()  # `number` moves in one place at a time
        self._stopped = False
        self._announce: Announce = lambda committed: None
        self._catch_up: CatchUp = _nothing
        self.number = 0  # the newest position this process has announced

    def listen(self, announce: Announce, catch_up: CatchUp) -> None:
        """`announce` after each commit of ours; `catch_up(after, until)` on other processes'."""
        self._announce = announce
        self._catch_up = catch_up

    async def append(self, entry: Entry) -> int:
        """Wait until `entry` is durable; its number. Raises what `prepare` raised."""
        return await self.enqueue(entry)

    def enqueue(self, entry: Entry) -> asyncio.Future[int]:
        """Put `entry` in line now; the future is done when it is durable."""
        if self._stopped:
            raise Unavailable(STOPPING)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append((entry, answer))
        self._waiting.set()
        return answer

    async def run(self) -> None:
        """Commit what queues up, for ever. Whoever still waits when it ends is refused."""
        batch: Batch = ()
        try:
            while True:
                await self._waiting.wait()
                batch = self._take()
                await self._settle(batch)
        finally:
            self._stopped = True
            _refuse([*batch, *self._queue], Unavailable(STOPPING))

    async def refresh(self) -> None:
        """Learn what other processes have committed since."""
        async with self._learning:
            row = await self._database.one(NUMBER, shard=self.shard)
            await self._meet(row[0] if row else 0)

    def _take(self) -> Batch:
        batch, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
        if not self._queue:
            self._waiting.clear()
        return batch

    async def _settle(self, batch: Batch) -> None:
        """Commit and answer. A commit that is refused is split until the culprit stands alone."""
        try:
            await self._commit(batch)
        except Exception as error:
            hopeless = isinstance(error, Unavailable) and not isinstance(error, Disturbed)
            if hopeless or len(batch) == 1:
                _refuse(batch, error)
                return
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])

    async def _commit(self, batch: Batch) -> None:
        async with self._learning, self._database.head(self.shard) as head:
            await self._meet(head.number)
            accepted, writes = await self._prepare(batch)
            if not accepted:
                return
            end = self.number + sum(entry.count for _, entry, _ in accepted)
            await head.commit(end, writes)
        self.number = end
        self._tell([(number, entry) for number, entry, _ in accepted])
        for number, _, answer in accepted:
            if not answer.done():
                answer.set_result(number)

    def _tell(self, committed: Sequence[tuple[int, Entry]]) -> None:
        try:
            self._announce(committed)
        except Exception:
            # They are durable: whoever waits for them must hear that, not of this.
            logger.exception("Announcing %d to %d failed", committed[0][0], committed[-1][0])

    async def _meet(self, number: int) -> None:
        if number > self.number:
            await self._catch_up(self.number, number)
            self.number = number

    async def _prepare(
        self, batch: Batch
    ) -> tuple[list[tuple[int, Entry, asyncio.Future[int]]], list[Write]]:
        accepted: list[tuple[int, Entry, asyncio.Future[int]]] = []
        writes: list[Write] = []
        at_once: dict[Any, Any] = {}
        number = self.number + 1
        for entry, answer in batch:
            if answer.done():  # refused before, or nobody waits for it any more
                continue
            try:
                writes.extend(await entry.prepare(number, at_once))
                accepted.append((number, entry, answer))
                number += entry.count
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
        return accepted, merge(writes)


def merge(writes: Sequence[Write]) -> list[Write]:
    """Join the inserts into one table into one; the order between different tables is free.

    Statements keep their place after every insert, so that they see the rows of this commit.
    """
    inserts: dict[tuple[str, tuple[str, ...], str], list[Row]] = {}
    rest: list[Write] = []
    for write in writes:
        if isinstance(write, Insert):
            inserts.setdefault((write.table, write.columns, write.conflict), []).extend(write.rows)
        else:
            rest.append(write)
    joined: list[Write] = [
        Insert(table, columns, rows, conflict)
        for (table, columns, conflict), rows in inserts.items()
    ]
    return joined + rest


def _refuse(batch: Batch, error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)


async def _nothing(after: int, until: int) -> None:
    return None
