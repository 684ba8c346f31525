"""The table that the tests of the store write into."""

from qingxin.store.database import Insert, Write
from qingxin.store.line import Record

TABLE = "CREATE TABLE things (name TEXT PRIMARY KEY, number BIGINT, raw BLOB)"
COLUMNS = ("name", "number", "raw")
EVERY = "SELECT name, number, raw FROM things ORDER BY name"
COUNT = "SELECT count(*) FROM things"
NUMBERS = "SELECT number FROM things ORDER BY number"


def thing(name: str) -> Record:
    """An entry that becomes the row (name, its number)."""

    def writes(number: int) -> list[Write]:
        return [Insert("things", COLUMNS, [(name, number, None)])]

    return Record(writes)
