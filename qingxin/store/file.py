"""The SQLite file: how it is opened, how values are bound, what its errors mean."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import apsw
import msgspec

from qingxin.errors import Unavailable
from qingxin.store import names
from qingxin.store.database import ConstraintViolated, Row, Statement, Unstorable

BUSY_MS = 5_000
CACHED_STATEMENTS = 500
# The cache holds the upper pages of every index, for which SQLite's own 2 MB are too few.
BOTH = "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000"
DURABLE = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000"


def connect(path: Path, *, writing: bool = False) -> apsw.Connection:
    """A connection that sees what is committed. Raises apsw.Error."""
    if writing and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    flags = apsw.SQLITE_OPEN_READWRITE if writing else apsw.SQLITE_OPEN_READONLY
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=CACHED_STATEMENTS)
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(BOTH)
    if writing:
        [(mode,)] = connection.execute("PRAGMA journal_mode = WAL").fetchall()
        if mode != "wal":
            raise apsw.CantOpenError(f"this file system does not support WAL (but {mode})")
        connection.execute(DURABLE)
    return connection


def read(connection: apsw.Connection, sql: str, params: dict[str, Any]) -> list[Row]:
    """All rows that a query gives. Raises Unavailable, Unstorable."""
    try:
        return connection.execute(*bound(Statement(sql, params))).fetchall()
    except (apsw.Error, OverflowError, UnicodeEncodeError) as error:
        raise translated(error) from error


def bound(statement: Statement) -> tuple[str, Mapping[str, Any]]:
    """The text and the bindings as SQLite takes them."""
    text, params = statement.sql, statement.params
    if not (lists := names.lists(text)):
        return text, params
    values = {name: list(params[name]) for name in lists}
    in_hex = frozenset(name for name, many in values.items() if many and type(many[0]) is bytes)
    for name in in_hex:
        values[name] = [each.hex() for each in values[name]]
    encoded = {name: msgspec.json.encode(many).decode() for name, many in values.items()}
    return names.for_sqlite(text, in_hex), {**params, **encoded}


def refuse_nul(values: Iterable[Any]) -> None:
    """PostgreSQL has no NUL in text: refused here too, so that one can move to it."""
    for value in values:
        if type(value) is str and "\0" in value:
            raise Unstorable("Text with a NUL character cannot be stored.")


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
