"""PostgreSQL, for any number of processes on any number of machines.

Every read takes a connection from the pool for one statement; every write is a transaction
of its own. The head of a line is the row lock of its shard in `log_heads`.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg

from qingxin.clock import Clock, SystemClock
from qingxin.errors import Unavailable
from qingxin.store import migrate, names
from qingxin.store.backup import load, save
from qingxin.store.conflicts import without_repetition
from qingxin.store.database import (
    ConstraintViolated,
    Disturbed,
    Insert,
    NothingReturned,
    Row,
    Statement,
    Unstorable,
    Unusable,
    Write,
)

CONNECTIONS = 10
SECONDS_TO_CONNECT = 5
SECONDS_TO_ANSWER = 60
CACHED_STATEMENTS = 1_000
ATTEMPTS = 5  # at a write that another one got in the way of
SETTINGS = {
    "application_name": "qingxin",
    "jit": "off",
    # A process that stands still in the middle of a commit must not hold the line for ever.
    "idle_in_transaction_session_timeout": "30000",
}
NUMBER = "SELECT number FROM log_heads WHERE shard = $1 FOR UPDATE"
TYPES = """
    SELECT a.attname, COALESCE(base.typname, t.typname)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type base ON base.oid = t.typbasetype
    WHERE a.attrelid = $1::text::regclass AND a.attnum > 0
"""

AGAIN = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,  # another process has just migrated the schema
)
GONE = (
    asyncpg.InterfaceError,  # the connection is closed, or closing
    asyncpg.InternalClientError,  # it was cut in the middle of a message
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server is being stopped, or cut us off
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
)
EXHAUSTED = (
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)


class Postgres:
    """A `Database` on a server. `open` it before anything else, `close` it at the end."""

    shared = True

    def __init__(
        self, url: str, clock: Clock | None = None, *, connections: int = CONNECTIONS
    ) -> None:
        self.url = url
        self._clock = clock or SystemClock()
        self._connections = connections
        self._types: dict[str, dict[str, str]] = {}  # of every column, by table

    async def open(self) -> "Postgres":
        """Connect. Raises Unusable."""
        try:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._connections,
                timeout=SECONDS_TO_CONNECT,
                command_timeout=SECONDS_TO_ANSWER,
                statement_cache_size=CACHED_STATEMENTS,
                server_settings=SETTINGS,
                init=_prepare_session,
                reset=_nothing,
            )
            await self._check()
        except (*GONE, asyncpg.PostgresError, ValueError) as error:
            raise Unusable(f"PostgreSQL at {_place(self.url)} cannot be used: {error}.") from error
        return self

    async def _check(self) -> None:
        encoding = await self._pool.fetchval("SHOW server_encoding")
        if encoding != "UTF8":
            raise Unusable(f"The database must have the encoding UTF8; this one has {encoding}.")

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection of the pool, with errors in the words of database.py."""
        try:
            async with self._pool.acquire() as connection:
                yield connection
        except (asyncpg.PostgresError, *GONE) as error:
            raise translated(error) from error

    async def all(self, sql: str, **params: Any) -> list[Row]:
        async with self.connection() as connection:
            return await _fetch(connection, sql, params)

    async def one(self, sql: str, **params: Any) -> Row | None:
        rows = await self.all(sql, **params)
        return rows[0] if rows else None

    async def scan(self, sql: str, **params: Any) -> list[Row]:
        return await self.all(sql, **params)

    async def write(self, *writes: Write) -> list[list[Row]]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.connection() as connection:
                    return await self._write(connection, writes)
            except Disturbed:
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError("unreachable")

    async def _write(self, connection: Any, writes: Sequence[Write]) -> list[list[Row]]:
        if len(writes) == 1 and _is_atomic(writes[0]):
            return await self.run(connection, writes)
        async with connection.transaction():
            return await self.run(connection, writes)

    async def run(self, connection: Any, writes: Sequence[Write]) -> list[list[Row]]:
        """Run all within the transaction that `connection` is in."""
        results: list[list[Row]] = []
        for alike, group in groupby(writes, _alike):
            several = list(group)
            if isinstance(alike, tuple) and len(several) > 1:
                await _execute_all(connection, cast(list[Statement], several))
                results += [[] for _ in several]
                continue
            for write in several:
                results.append(await self._run_one(connection, write, len(results)))
        return results

    async def _run_one(self, connection: Any, write: Write, index: int) -> list[Row]:
        if isinstance(write, Insert):
            return await self._insert(connection, write)
        rows = await _fetch(connection, write.sql, write.params)
        if write.must_return and not rows:
            raise NothingReturned(index)
        return rows

    async def _insert(self, connection: Any, insert: Insert) -> list[Row]:
        if not insert.rows:
            return []
        types = await self._types_of(connection, insert.table)
        arrays = ", ".join(
            f"${place}::{types[column]}[]" for place, column in enumerate(insert.columns, 1)
        )
        text = f"INSERT INTO {insert.table} ({', '.join(insert.columns)})"
        text += f" SELECT * FROM unnest({arrays})"
        text += f" ON CONFLICT {insert.conflict}" if insert.conflict else ""
        returned: list[Row] = []
        for rows in without_repetition(insert):
            columns = zip(*rows, strict=True)
            returned += map(tuple, await connection.fetch(text, *map(list, columns)))
        return returned

    async def _types_of(self, connection: Any, table: str) -> dict[str, str]:
        if table not in self._types:
            self._types[table] = dict(await connection.fetch(TYPES, table))
        return self._types[table]

    @asynccontextmanager
    async def head(self, shard: int) -> AsyncIterator["PostgresHead"]:
        async with self.connection() as connection:
            try:
                await connection.execute("BEGIN")
                if (number := await connection.fetchval(NUMBER, shard)) is None:
                    raise NothingReturned(0)
                yield PostgresHead(self, connection, shard, number)
            finally:
                await _end_transaction(connection)

    async def migrate(self) -> int:
        count = 0
        try:
            async with self._pool.acquire() as connection:
                while await migrate.postgres_next(connection, self._clock.now()):
                    count += 1
        except (asyncpg.PostgresError, *GONE) as error:
            raise Unusable(f"The database cannot be brought up to date: {error}.") from error
        self._types.clear()
        return count

    async def backup(self, target: Path) -> None:
        async with self.connection() as connection:
            await save(connection, target, self._clock.now())

    async def restore(self, source: Path) -> None:
        async with self.connection() as connection:
            await load(connection, source, self._clock.now())

    async def size(self) -> int:
        async with self.connection() as connection:
            return int(await connection.fetchval("SELECT pg_database_size(current_database())"))


class PostgresHead:
    """The end of one shard's line: nobody else gets the row before our transaction ends."""

    def __init__(self, database: Postgres, connection: Any, shard: int, number: int) -> None:
        self.number = number
        self._database, self._connection, self._shard = database, connection, shard

    async def commit(self, number: int, writes: Sequence[Write]) -> None:
        await self._database.run(self._connection, writes)
        # Both in one message: this is the one round trip that everybody waits for.
        await self._connection.execute(
            f"UPDATE log_heads SET number = {number:d} WHERE shard = {self._shard:d}; COMMIT"
        )


def translated(error: Exception) -> Exception:
    """What went wrong, in the words of database.py."""
    match error:
        case asyncpg.IntegrityConstraintViolationError():
            return ConstraintViolated(str(error))
        case asyncpg.DataError() | asyncpg.ProgramLimitExceededError():
            return Unstorable(f"This cannot be stored: {error}.")
        case asyncpg.DiskFullError():
            return Unavailable("PostgreSQL's disk is full. Nothing can be stored until it is not.")
    if isinstance(error, AGAIN):
        return Disturbed()
    if isinstance(error, GONE):
        return Unavailable("The database does not answer. Try again in a moment.")
    if isinstance(error, EXHAUSTED):
        return Unavailable(f"The database refuses to store anything: {error}.")
    return error


def _is_atomic(write: Write) -> bool:
    """Whether the server itself runs it all or none, and nothing is left of it to undo."""
    if isinstance(write, Insert):
        return not write.conflict
    return not write.must_return


def _alike(write: Write) -> object:
    """The same for statements that can go to the server together, in one round trip."""
    if isinstance(write, Insert) or write.must_return or not names.is_silent(write.sql):
        return None
    return write.sql, names.kinds_of(write.params)


async def _execute_all(connection: Any, statements: Sequence[Statement]) -> None:
    text, order = names.for_postgres(statements[0].sql, names.kinds_of(statements[0].params))
    rows = [[statement.params[name] for name in order] for statement in statements]
    await connection.executemany(text, rows)


async def _fetch(connection: Any, sql: str, params: Mapping[str, Any]) -> list[Row]:
    text, order = names.for_postgres(sql, names.kinds_of(params))
    return [*map(tuple, await connection.fetch(text, *[params[name] for name in order]))]


async def _prepare_session(connection: Any) -> None:
    """Values come out as they do of SQLite: true is 1, and a sum is a whole number."""
    await connection.set_type_codec(
        "bool", schema="pg_catalog", format="binary", encoder=bytes, decoder=_first
    )
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", format="text", encoder=str, decoder=_number
    )


def _first(raw: bytes) -> int:
    return raw[0]


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


async def _end_transaction(connection: Any) -> None:
    if connection.is_in_transaction() and not connection.is_closed():
        await connection.execute("ROLLBACK")


async def _nothing(connection: Any) -> None:
    """Instead of asyncpg's reset, which costs a round trip for what we never change."""


def _place(url: str) -> str:
    """Where it is, without the password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}{parts.path}"
