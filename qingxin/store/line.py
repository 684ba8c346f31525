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

import msgspec

from qingxin.errors import Unavailable
from qingxin.store import notes
from qingxin.store.database import Database, Disturbed, Insert, Row, Write

MOST_AT_ONCE = 512  # entries in one commit: bounds the time a single one can wait
MOST_TO_CATCH_UP = 20_000  # numbers; further behind, starting afresh is cheaper
NUMBER = "SELECT number FROM log_heads WHERE shard = :shard"
STOPPING = "The server is shutting down."

logger = logging.getLogger("qingxin.store")


class Entry:
    """One change on its way into the line. `room_id` and `user_id` say whom it concerns."""

    room_id: str | None = None
    user_id: str | None = None
    news: Any = None  # what those who listen for such news are told, e.g. a receipt
    count = 1  # how many numbers it takes, known once it is prepared
    noted = True  # whether other processes learn of it by a note

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
        self.news = news

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        return self._writes(number)


class Heard(Entry):
    """What another process has committed, as its note says."""

    def __init__(self, note: notes.Note) -> None:
        self.room_id, self.user_id, self.news = note.room_id, note.user_id, note.news


Committed = Sequence[tuple[int, Entry]]
Batch = Sequence[tuple[Entry, asyncio.Future[int]]]
Announce = Callable[[Committed], None]
Others = Callable[[int, int], Awaitable[Committed]]
Listener = Callable[[int, Entry], None]


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
        self._others: Others = _nothing
        self._listeners: dict[type, list[Listener]] = {}
        self._forgetters: list[Callable[[int], None]] = []
        self._on_commit: Callable[[int], None] = lambda number: None
        self._started = False
        self.number = 0  # the newest position this process has announced

    def listen(self, announce: Announce, others: Others | None = None) -> None:
        """`announce` after each commit, ours or another process's.

        `others(after, until)` gives what other processes committed there and left no note of.
        """
        self._announce = announce
        self._others = others or _nothing

    def on(self, news: type, listener: Listener) -> None:
        """Call `listener` with every entry that bears such news, whoever committed it.

        It is for keeping memory true: every process is told, so none may act on it.
        """
        self._listeners.setdefault(news, []).append(listener)

    def on_gap(self, forget: Callable[[int], None]) -> None:
        """Call `forget(number)` where what happened up to `number` is not told one by one.

        So it is at the beginning, too.
        """
        self._forgetters.append(forget)

    def on_commit(self, tell: Callable[[int], None]) -> None:
        """Call `tell` with the newest number after each commit of ours."""
        self._on_commit = tell

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

    async def refresh(self, until: int | None = None) -> None:
        """Learn what other processes have committed since, or, where given, as far as `until`.

        The head need not be held for that: whoever reads a number reads it after its commit,
        and all numbers before it were committed earlier.
        """
        async with self._learning:
            if until is not None and until <= self.number:
                return
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
        self._on_commit(end)
        for number, _, answer in accepted:
            if not answer.done():
                answer.set_result(number)

    def _tell(self, committed: Committed) -> None:
        try:
            self._announce(committed)
            for number, entry in committed:
                for listener in self._listeners.get(type(entry.news), ()):
                    listener(number, entry)
        except Exception:
            # They are durable: whoever waits for them must hear that, not of this.
            logger.exception("Announcing what was committed up to %d failed", self.number)
            self._forget()

    def _forget(self) -> None:
        for forget in self._forgetters:
            forget(self.number)

    async def _meet(self, number: int) -> None:
        """Go on from where others have brought the line."""
        if self._started and number <= self.number:
            return
        committed = await self._missed(self.number, number) if self._started else None
        self.number, self._started = number, True
        if committed is None:
            self._forget()
        else:
            self._tell(committed)

    async def _missed(self, after: int, until: int) -> Committed | None:
        """What other processes committed in (after, until]; None where that is too much."""
        if until - after > MOST_TO_CATCH_UP:
            return None
        unnoted = await self._others(after, until)
        if len(unnoted) == until - after:
            return unnoted
        try:
            noted = await notes.since(self._database, self.shard, after, until, self._listeners)
        except msgspec.ValidationError:
            logger.warning("Another version of this software is at work on the same database.")
            return None
        heard: Committed = [(note.number, Heard(note)) for note in noted]
        return sorted((*unnoted, *heard), key=lambda each: each[0])

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
                needed = await entry.prepare(number, at_once)
                writes.extend((*needed, *self._note(number, entry)))
                accepted.append((number, entry, answer))
                number += entry.count
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
        if self._database.shared:
            writes.extend(notes.clearing(self.shard, self.number, number - 1))
        return accepted, merge(writes)

    def _note(self, number: int, entry: Entry) -> list[Write]:
        if not (self._database.shared and entry.noted):
            return []
        news = entry.news if type(entry.news) in self._listeners else None
        return [notes.row(self.shard, notes.Note(number, entry.room_id, entry.user_id, news))]


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


async def _nothing(after: int, until: int) -> Committed:
    return []
