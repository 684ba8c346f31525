"""The process that alone writes to the SQLite file, in transactions of whatever is queued.

Its own process: under a busy event loop a thread waits up to seconds for the GIL. A write that
fails is undone alone: then the batch runs once more, each write in a savepoint of its own.
"""

import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from qingxin.errors import Unavailable
from qingxin.store.database import Insert, NothingReturned, Row, Write
from qingxin.store.file import bound, connect, refuse_nul, translated

MOST_VARIABLES = 32_766  # SQLite's own limit for one statement
MOST_ROWS = 512  # of one INSERT: longer texts do not fit into apsw's statement cache
RECEIVED_AT_ONCE = 1 << 20  # bytes
LENGTH = struct.Struct(">I")  # before every message


class Failure(Struct):
    """Why a write was not kept: the name of an exception, its sentence, and a `must`'s place."""

    kind: str
    message: str
    index: int = 0


Outcome = list[list[Row]] | Failure
Job = list[Write]


class Scribe:
    """Owns the one connection that writes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def outcomes(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Write all that can be written; what became of each."""
        try:
            return self._commit(jobs)
        except Exception as error:
            failure = failed(error)
        if failure.kind == Unavailable.__name__ or len(jobs) == 1:
            return [failure for _ in jobs]
        try:
            return self._commit(jobs, apart=True)
        except Exception as error:
            return [failed(error) for _ in jobs]

    def _commit(self, jobs: Sequence[Job], *, apart: bool = False) -> list[Outcome]:
        """One transaction over all of them. Where `apart`, each succeeds or fails by itself."""
        run = self._run_apart if apart else self._run
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [run(job) for job in jobs]
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, e.g. of a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    def _run(self, job: Job) -> Outcome:
        return [self._write(write, index) for index, write in enumerate(job)]

    def _run_apart(self, job: Job) -> Outcome:
        self._connection.execute("SAVEPOINT job")
        try:
            outcome = self._run(job)
        except Exception as error:
            outcome = failed(error)
            if outcome.kind == Unavailable.__name__:
                raise
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return outcome

    def _write(self, write: Write, index: int) -> list[Row]:
        if isinstance(write, Insert):
            return self._insert(write)
        refuse_nul(write.params.values())
        rows = self._connection.execute(*bound(write)).fetchall()
        if write.must_return and not rows:
            raise NothingReturned(index)
        return rows

    def _insert(self, insert: Insert) -> list[Row]:
        returned: list[Row] = []
        for rows in _chunks(insert.rows, len(insert.columns)):
            values = tuple(chain.from_iterable(rows))
            refuse_nul(values)
            text = _insert_text(insert.table, insert.columns, insert.conflict, len(rows))
            returned += self._connection.execute(text, values)
        return returned


def failed(error: Exception) -> Failure:
    """An exception as it travels to the process that asked."""
    error = translated(error)
    index = error.index if isinstance(error, NothingReturned) else 0
    return Failure(type(error).__name__, str(error), index)


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


class Messages:
    """Whole messages out of the pieces in which they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        found, start = [], 0
        while len(self._buffer) - start >= LENGTH.size:
            begin = start + LENGTH.size
            end = begin + LENGTH.unpack_from(self._buffer, start)[0]
            if end > len(self._buffer):
                break
            found.append(bytes(self._buffer[begin:end]))
            start = end
        del self._buffer[:start]
        return found


def message(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def serve(connection: apsw.Connection, channel: socket.socket) -> None:
    """Write what comes in until the other side is gone."""
    scribe, messages = Scribe(connection), Messages()
    decoder, encoder = msgspec.msgpack.Decoder(Job), msgspec.msgpack.Encoder()
    while data := channel.recv(RECEIVED_AT_ONCE):
        if found := messages.feed(data):
            outcomes = scribe.outcomes([decoder.decode(each) for each in found])
            channel.sendall(message(encoder.encode(outcomes)))


def main() -> None:
    """`path` and `descriptor` are the arguments."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the end of the other side is what ends us
    with socket.socket(fileno=int(sys.argv[2])) as channel:
        connection = connect(Path(sys.argv[1]), writing=True)
        try:
            serve(connection, channel)
        except ConnectionError:
            pass
        connection.close()


if __name__ == "__main__":
    main()
