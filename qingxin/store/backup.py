"""A backup is one SQLite file, whichever database it was taken of: so one can become the other."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw

from qingxin.store import migrate
from qingxin.store.database import Row, Unusable

STEP_PAGES = 2_048  # copied at once
STEP_ROWS = 1_000
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
COLUMNS = "SELECT name FROM pragma_table_info(?) ORDER BY cid"


@contextmanager
def new_backup(target: Path) -> Iterator[apsw.Connection]:
    """A file that gets its name only when it is complete. Raises Unusable."""
    partial = target.with_name(target.name + ".partial")
    try:
        with closing(_new_file(partial)) as copy:
            yield copy
            copy.execute("PRAGMA journal_mode = DELETE")
        _rename(partial, target)
    except apsw.Error as error:
        raise Unusable(f"{target} cannot be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _new_file(path: Path) -> apsw.Connection:
    try:
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error}.") from error
    return apsw.Connection(str(path))


def _rename(path: Path, target: Path) -> None:
    try:
        os.replace(path, target)
    except OSError as error:
        raise Unusable(f"{target} cannot be written: {error}.") from error


def open_backup(source: Path) -> apsw.Connection:
    """A backup for reading. Raises Unusable where it is none, is damaged or is too new."""
    try:
        connection = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
        [(found,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
        migrate.missing(_applied(connection))
    except apsw.Error as error:
        raise Unusable(f"{source} is no backup of Qingxin: {error}.") from error
    if found != "ok":
        raise Unusable(f"{source} is damaged: {found}.")
    return connection


def _applied(copy: apsw.Connection) -> set[int]:
    return {number for (number,) in copy.execute(migrate.APPLIED)}


def copy_pages(source: apsw.Connection, target: apsw.Connection) -> None:
    """Make `target` what `source` is."""
    with target.backup("main", source, "main") as copying:
        while not copying.done:
            copying.step(STEP_PAGES)


async def save(connection: Any, target: Path, now: int) -> None:
    """PostgreSQL's rows, as of one moment, into a new file."""
    with new_backup(target) as copy:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            applied = {number for (number,) in await connection.fetch(migrate.APPLIED)}
            while migrate.sqlite_next(copy, now, applied):
                pass
            with copy:
                for table in _tables(copy):
                    await _save_table(connection, copy, table)


async def _save_table(connection: Any, copy: apsw.Connection, table: str) -> None:
    names = _columns(copy, table)
    columns, places = ", ".join(names), ", ".join("?" * len(names))
    copy.execute(f"DELETE FROM {table}")
    rows = connection.cursor(f"SELECT {columns} FROM {table}", prefetch=STEP_ROWS)
    async for row in rows:
        copy.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", tuple(row))


async def load(connection: Any, source: Path, now: int) -> None:
    """Fill an empty PostgreSQL database from a file, all or nothing. Raises Unusable."""
    async with connection.transaction():
        if await connection.fetchval("SELECT to_regclass('migrations')"):
            raise Unusable("The database is not empty. A backup goes into a new one only.")
        with closing(open_backup(source)) as copy:
            while await migrate.postgres_next(connection, now, _applied(copy)):
                pass
            for table in _tables(copy):
                await _load_table(connection, copy, table)


async def _load_table(connection: Any, copy: apsw.Connection, table: str) -> None:
    columns = _columns(copy, table)
    await connection.execute(f"DELETE FROM {table}")
    rows = copy.execute(f"SELECT {', '.join(columns)} FROM {table}")
    await connection.copy_records_to_table(
        table, records=_each(rows), columns=columns, timeout=migrate.PATIENCE
    )


async def _each(rows: Iterator[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


def _tables(copy: apsw.Connection) -> list[str]:
    return [str(name) for (name,) in copy.execute(TABLES).fetchall()]


def _columns(copy: apsw.Connection, table: str) -> list[str]:
    return [str(name) for (name,) in copy.execute(COLUMNS, (table,)).fetchall()]
