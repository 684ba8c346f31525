"""Numbered migrations: the .sql files beside this one, each applied once, in order.

Each runs in a transaction of its own under a lock, so that processes that start at the same
time do not run it twice.
"""

import re
from importlib import resources
from typing import Any

import apsw
from msgspec import Struct

from qingxin.store.database import Unusable

FILE = re.compile(r"(\d{4})_(\w+)\.sql")
CREATE = """
    CREATE TABLE IF NOT EXISTS migrations (
        number BIGINT PRIMARY KEY,
        name TEXT NOT NULL,
        applied BIGINT NOT NULL
    )
"""
APPLIED = "SELECT number FROM migrations"
RECORD = "INSERT INTO migrations (number, name, applied) VALUES ({place}1, {place}2, {place}3)"

LOCK = "SELECT pg_advisory_xact_lock(0x71696e67)"  # any number that nobody else uses
CREATE_BLOB = """
    DO $$ BEGIN
        IF to_regtype('blob') IS NULL THEN CREATE DOMAIN blob AS bytea; END IF;
    END $$
"""
TEXT_COLUMN = re.compile(r"(?<!AS )\bTEXT\b")
PATIENCE = 24 * 3600.0  # seconds, for another process's migration


class Migration(Struct, frozen=True):
    """One step of the schema; `text` holds plain statements separated by semicolons."""

    number: int
    name: str
    text: str


def migrations() -> list[Migration]:
    """All that this software knows, in order."""
    folder = resources.files("qingxin.store") / "migrations"
    found = [
        Migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := FILE.fullmatch(file.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def missing(applied: set[int]) -> list[Migration]:
    """What a database with these migrations still needs. Raises Unusable if it is newer."""
    known = migrations()
    if unknown := applied - {migration.number for migration in known}:
        raise Unusable(
            f"The database is newer than this software: it has migration {max(unknown)}, which"
            " this version does not know. Install a newer version of Qingxin."
        )
    return [migration for migration in known if migration.number not in applied]


def sqlite_next(connection: apsw.Connection, now: int, only: set[int] | None = None) -> bool:
    """Apply the next migration, out of `only` where given; False when there is none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(CREATE)
        todo = missing({number for (number,) in connection.execute(APPLIED)})
        todo = [each for each in todo if only is None or each.number in only][:1]
        for migration in todo:
            connection.execute(migration.text)
            row = (migration.number, migration.name, now)
            connection.execute(RECORD.format(place="?"), row)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return bool(todo)


async def postgres_next(connection: Any, now: int, only: set[int] | None = None) -> bool:
    """The same on PostgreSQL."""
    async with connection.transaction():
        await connection.execute(LOCK, timeout=PATIENCE)
        await connection.execute(CREATE_BLOB)
        await connection.execute(CREATE)
        todo = missing({number for (number,) in await connection.fetch(APPLIED)})
        todo = [each for each in todo if only is None or each.number in only][:1]
        for migration in todo:
            await connection.execute(for_postgres(migration.text), timeout=PATIENCE)
            row = (migration.number, migration.name, now)
            await connection.execute(RECORD.format(place="$"), *row)
    return bool(todo)


def for_postgres(text: str) -> str:
    """Text compares byte by byte as it does in SQLite, whatever language the server speaks."""
    return TEXT_COLUMN.sub('TEXT COLLATE "C"', text)
