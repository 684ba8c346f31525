"""Which database an address names, and whether what is in it is sound."""

from pathlib import Path

from qingxin.clock import Clock
from qingxin.store import migrate
from qingxin.store.database import Database
from qingxin.store.postgres import Postgres
from qingxin.store.sqlite import SQLite

FILE = "qingxin.db"


async def open_database(address: str, data: Path, clock: Clock | None = None) -> Database:
    """PostgreSQL at `address`, or SQLite in `data` where it is empty. Raises Unusable."""
    if address:
        return await Postgres(address, clock).open()
    return await SQLite(data / FILE, clock).open()


async def damage(database: Database) -> list[str]:
    """What is wrong with the stored pages. PostgreSQL looks after its own."""
    if isinstance(database, SQLite):
        rows = await database.scan("PRAGMA integrity_check(20)")
        return [text for (text,) in rows if text != "ok"]
    return []


async def pending(database: Database) -> int:
    """How many migrations the database still needs. Raises Unusable for one from the future."""
    tables = "SELECT 1 FROM information_schema.tables WHERE table_name = 'migrations'"
    if isinstance(database, SQLite):
        tables = "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'"
    applied = await database.all(migrate.APPLIED) if await database.one(tables) else []
    return len(migrate.missing({number for (number,) in applied}))
