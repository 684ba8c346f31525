"""What the rest of Qingxin may ask of a database, whichever it is.

SQL is one text for every dialect: `:name` parameters, the shared subset (ON CONFLICT,
RETURNING, CTEs, windows, row values). `column IN :names` takes a list. Columns of opaque
JSON are BLOB and hold bytes; times are integer milliseconds (BIGINT).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from qingxin.errors import InvalidParam, Unavailable

Row = tuple[Any, ...]


class Statement(Struct, frozen=True, array_like=True, tag=True):
    """One SQL statement with its parameters. Where `must_return`, no row means no commit."""

    sql: str
    params: dict[str, Any] = {}
    must_return: bool = False


class Insert(Struct, frozen=True, array_like=True, tag=True):
    """Many rows into one table in one statement; `conflict` is the text after ON CONFLICT."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    conflict: str = ""


Write = Statement | Insert


def sql(text: str, **params: Any) -> Statement:
    """A statement that may change nothing."""
    return Statement(text, params)


def must(text: str, **params: Any) -> Statement:
    """A statement that has to return a row, or the whole write is undone with `NothingReturned`."""
    return Statement(text, params, True)


class NothingReturned(Exception):
    """A `must` statement found nothing to change, so none of its write was kept."""

    def __init__(self, index: int) -> None:
        super().__init__(f"statement {index} returned no row")
        self.index = index


class ConstraintViolated(Exception):
    """A row contradicts a key or another constraint, so none of its write was kept."""


class Unstorable(InvalidParam):
    """A value cannot be stored: text with NUL or half a character, or a number beyond 64 bits."""


class Disturbed(Unavailable):
    """Another write got in the way. Trying once more may well succeed."""


class Unusable(Exception):
    """The database cannot be opened, migrated or restored; the message says why."""


class Head(Protocol):
    """The end of one shard's line, held by us until the context closes: nobody else can append."""

    number: int

    async def commit(self, number: int, writes: Sequence[Write]) -> None:
        """Advance the head to `number` and keep `writes`, durably and in one transaction."""
        ...


class Database(Protocol):
    """Reads see what is committed; a write is one atomic, durable transaction."""

    shared: bool  # whether other processes may be at work on it

    async def all(self, sql: str, **params: Any) -> list[Row]: ...

    async def one(self, sql: str, **params: Any) -> Row | None: ...

    async def scan(self, sql: str, **params: Any) -> list[Row]:
        """Like `all`, for reads so long that they must not stand in others' way."""
        ...

    async def write(self, *writes: Write) -> list[list[Row]]:
        """Run all or none; the rows that each returned.

        Raises NothingReturned, ConstraintViolated, Unstorable, Unavailable.
        """
        ...

    def head(self, shard: int) -> AbstractAsyncContextManager[Head]:
        """Wait for the end of a shard's line. Raises Unavailable."""
        ...

    async def migrate(self) -> int:
        """Bring the schema up to date under a lock; how many migrations ran. Raises Unusable."""
        ...

    async def backup(self, target: Path) -> None:
        """A consistent copy of every row in one new file, taken while others read and write."""
        ...

    async def restore(self, source: Path) -> None:
        """Fill this empty database from a backup of either kind. Raises Unusable."""
        ...

    async def size(self) -> int:
        """Bytes on disk."""
        ...

    async def close(self) -> None: ...
