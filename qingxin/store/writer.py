"""The one thread that writes to SQLite: whatever is queued goes into one transaction.

A write that fails is undone alone: then the batch runs once more, each write in its own
savepoint. The common case needs none, and every step that it saves is a wait for the GIL.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import apsw
import msgspec
from msgspec import Struct

from qingxin.errors import Unavailable
from qingxin.store import names
from qingxin.store.database import (
    ConstraintViolated,
    Insert,
    NothingReturned,
    Row,
    Statement,
    Unstorable,
    Write,
)

MOST_VARIABLES = 32_766  # SQLite's own limit for one statement
MOST_ROWS = 512  # of one INSERT: longer texts do not fit into apsw's statement cache

logger = logging.getLogger("qingxin.store")
Outcome = list[list[Row]] | Exception


class Job(Struct, eq=False):
    """One write and who waits for it."""

    writes: Sequence[Write]
    answer: asyncio.Future[list[list[Row]]]


class Writer:
    """Owns the connection that writes, and its thread."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.commits = 0
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._closed = False
        self._thread.start()

    def submit(self, writes: Sequence[Write]) -> asyncio.Future[list[list[Row]]]:
        """Queue one write; it happens even when the future is cancelled meanwhile."""
        answer: asyncio.Future[list[list[Row]]] = self._loop.create_future()
        if self._closed:
            answer.set_exception(Unavailable("The server is shutting down."))
        else:
            self._jobs.put(Job(writes, answer))
        return answer

    async def close(self) -> None:
        """Write what is queued, then stop."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            jobs, more = self._next()
            if jobs:
                outcomes = self._outcomes(jobs)
                self._loop.call_soon_threadsafe(_answer, jobs, outcomes)

    def _next(self) -> tuple[list[Job], bool]:
        """Everything queued by now, and whether there can be more later."""
        jobs = []
        try:
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _outcomes(self, jobs: Sequence[Job]) -> Sequence[Outcome]:
        try:
            return self._commit(jobs)
        except Exception as error:
            outcome = translated(error)
        if isinstance(outcome, Unavailable) or len(jobs) == 1:
            return [outcome] * len(jobs)
        try:
            return self._commit(jobs, apart=True)
        except Exception as error:
            return [translated(error)] * len(jobs)

    def _commit(self, jobs: Sequence[Job], *, apart: bool = False) -> list[Outcome]:
        """One transaction over all of them. Where `apart`, each succeeds or fails by itself."""
        run = self._run_apart if apart else self._run_job
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [run(job) for job in jobs]
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, e.g. of a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self.commits += 1
        return outcomes

    def _run_job(self, job: Job) -> Outcome:
        return [self._write(write, index) for index, write in enumerate(job.writes)]

    def _run_apart(self, job: Job) -> Outcome:
        self._connection.execute("SAVEPOINT job")
        try:
            outcome = self._run_job(job)
        except Exception as error:
            outcome = translated(error)
            if isinstance(outcome, Unavailable):
                raise
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return outcome

    def _write(self, write: Write, index: int) -> list[Row]:
        if isinstance(write, Insert):
            return self._insert(write)
        rows = self._connection.execute(*bound(write, storing=True)).fetchall()
        if write.must_return and not rows:
            raise NothingReturned(index)
        return rows

    def _insert(self, insert: Insert) -> list[Row]:
        returned: list[Row] = []
        for rows in _chunks(insert.rows, len(insert.columns)):
            values = tuple(chain.from_iterable(rows))
            _refuse_nul(values)
            text = _insert_text(insert.table, insert.columns, insert.conflict, len(rows))
            returned += self._connection.execute(text, values)
        return returned


def bound(statement: Statement, *, storing: bool = False) -> tuple[str, Mapping[str, Any]]:
    """The text and the bindings as SQLite takes them."""
    text, params = statement.sql, statement.params
    if storing:
        _refuse_nul(params.values())
    if not (lists := names.lists(text)):
        return text, params
    values = {name: list(params[name]) for name in lists}
    in_hex = frozenset(name for name, many in values.items() if many and type(many[0]) is bytes)
    for name in in_hex:
        values[name] = [each.hex() for each in values[name]]
    encoded = {name: msgspec.json.encode(many).decode() for name, many in values.items()}
    return names.for_sqlite(text, in_hex), {**params, **encoded}


def translated(error: Exception) -> Exception:
    """What went wrong, in the words of database.py."""
    match error:
        case apsw.ConstraintError():
            return ConstraintViolated(str(error))
        case apsw.FullError():
            return Unavailable("The disk is full. Nothing can be stored until there is space.")
        case apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.PermissionsError():
            return Unavailable(f"The database cannot be written to ({error}). Reading still works.")
        case apsw.BusyError() | apsw.LockedError():
            return Unavailable("Another program holds the database. Try again in a moment.")
        case apsw.IOError() | apsw.CorruptError() | apsw.NotADBError():
            return Unavailable(f"The disk does not work as it should ({error}).")
        case OverflowError() | UnicodeEncodeError() | apsw.TooBigError():
            return Unstorable(f"This cannot be stored: {error}.")
    return error


def _refuse_nul(values: Iterator[Any] | Any) -> None:
    # PostgreSQL has no NUL in text: refused here too, so that one can move to it.
    for value in values:
        if type(value) is str and "\0" in value:
            raise Unstorable("Text with a NUL character cannot be stored.")


def _chunks(rows: Sequence[Row], columns: int) -> Iterator[Sequence[Row]]:
    """Rows in powers of two, so that few texts serve every number of rows."""
    most = min(MOST_ROWS, MOST_VARIABLES // columns)
    start, size = 0, 1 << (most.bit_length() - 1)
    while start < len(rows):
        while size > len(rows) - start:
            size >>= 1
        yield rows[start : start + size]
        start += size


@lru_cache(1024)
def _insert_text(table: str, columns: tuple[str, ...], conflict: str, count: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"
    return f"{text} ON CONFLICT {conflict}" if conflict else text


def _answer(jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        if job.answer.done():
            continue
        if isinstance(outcome, Exception):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)
