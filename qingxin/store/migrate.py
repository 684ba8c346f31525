"""Numbered migrations: the .sql files beside this one, each applied once, in order."""

import re
from importlib import resources

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
RECORD = "INSERT INTO migrations (number, name, applied) VALUES (:number, :name, :applied)"


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
