"""The embedded database: one SQLite file in the data directory, written by this process alone.

Small reads run on the event loop: a point costs 4 µs there, and a hundred times that when
a thread has to get the GIL for it. Durable means synced to the disk (synchronous=FULL).
"""

import asyncio
import fcntl
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import apsw

from qingxin.clock import Clock, SystemClock
from qingxin.store import migrate
from qingxin.store.backup import copy_pages, new_backup, open_backup
from qingxin.store.database import Row, Unusable, Write, must, sql
from qingxin.store.file import connect, read
from qingxin.store.writer import Writer

SECONDS_TO_FINISH = 5  # for the scribe of a server that was killed
NUMBER = "SELECT number FROM log_heads WHERE shard = :shard"
ADVANCE = "UPDATE log_heads SET number = :number WHERE shard = :shard RETURNING number"


class SQLite:
    """A `Database` in one file. `open` it before anything else, `close` it at the end."""

    shared = False

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._numbers: dict[int, int] = {}  # the heads; one that is missing must be read

    async def open(self) -> "SQLite":
        """Take the file for this process. Raises Unusable."""
        self._lock = await _lock(self.path)
        try:
            connect(self.path, writing=True).close()
            self._reading = connect(self.path)
        except apsw.Error as error:
            os.close(self._lock)
            raise Unusable(f"{self.path} cannot be opened: {error}.") from error
        self._writer = Writer(self.path, self._lock)
        self._writer.start()
        return self

    async def close(self) -> None:
        # The scribe comes last: it empties the WAL into the file.
        self._reading.close()
        await self._writer.close()
        os.close(self._lock)

    @property
    def commits(self) -> int:
        """How many transactions have been committed."""
        return self._writer.commits

    @property
    def scribe(self) -> int:
        """The process that writes, or 0 where it is still to be started."""
        return self._writer.scribe

    async def all(self, sql: str, **params: Any) -> list[Row]:
        return read(self._reading, sql, params)

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = read(self._reading, sql, params)
        return rows[0] if rows else None

    async def scan(self, sql: str, **params: Any) -> list[Row]:
        return await asyncio.to_thread(self._scan, sql, params)

    def _scan(self, sql: str, params: dict[str, Any]) -> list[Row]:
        with closing(connect(self.path)) as connection:
            return read(connection, sql, params)

    async def write(self, *writes: Write) -> list[list[Row]]:
        return await self._writer.submit(writes)

    @asynccontextmanager
    async def head(self, shard: int) -> AsyncIterator["SQLiteHead"]:
        async with self._locks[shard]:
            if shard not in self._numbers:
                # Through the writer, behind whatever may still be on its way to the disk.
                [[row]] = await self.write(must(NUMBER, shard=shard))
                self._numbers[shard] = row[0]
            yield SQLiteHead(self, shard, self._numbers)

    async def migrate(self) -> int:
        try:
            return await asyncio.to_thread(self._migrate)
        except apsw.Error as error:
            raise Unusable(f"The database cannot be brought up to date: {error}.") from error

    def _migrate(self) -> int:
        count = 0
        with closing(connect(self.path, writing=True)) as connection:
            while migrate.sqlite_next(connection, self._clock.now()):
                count += 1
        return count

    async def backup(self, target: Path) -> None:
        await asyncio.to_thread(self._copy_to, target)

    def _copy_to(self, target: Path) -> None:
        with closing(connect(self.path)) as source, new_backup(target) as copy:
            # One snapshot from beginning to end: writers neither wait nor make it start again.
            source.execute("BEGIN; SELECT 1 FROM sqlite_schema").fetchall()
            copy_pages(source, copy)

    async def restore(self, source: Path) -> None:
        await asyncio.to_thread(self._fill_from, source)

    def _fill_from(self, source: Path) -> None:
        with closing(connect(self.path, writing=True)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
                raise Unusable(f"{self.path} is not empty. A backup goes into a new database only.")
            with closing(open_backup(source)) as backup:
                copy_pages(backup, connection)
            connection.execute("PRAGMA journal_mode = WAL")

    async def size(self) -> int:
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())


class SQLiteHead:
    """The end of one shard's line; only this process writes, so its lock holds it."""

    def __init__(self, database: SQLite, shard: int, numbers: dict[int, int]) -> None:
        self.number = numbers[shard]
        self._database, self._shard, self._numbers = database, shard, numbers

    async def commit(self, number: int, writes: Sequence[Write]) -> None:
        # Unknown until the answer: a cancelled commit may still reach the disk.
        del self._numbers[self._shard]
        await self._database.write(*writes, sql(ADVANCE, number=number, shard=self._shard))
        self._numbers[self._shard] = number


async def _lock(path: Path) -> int:
    """Hold the data directory as long as this process lives. Raises Unusable."""
    file = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unusable(f"{path} cannot be opened: {error}.") from error
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while not _locked(descriptor):
        holder = os.pread(descriptor, 20, 0).decode()
        if _lives(holder) or time.monotonic() > deadline:
            os.close(descriptor)
            raise Unusable(
                f"{path.parent} is in use by process {holder}. SQLite serves one process;"
                " for several, use PostgreSQL."
            )
        await asyncio.sleep(0.01)  # it was killed, and its scribe is finishing the last commit
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
