"""Reading one room never walks through the log: SQLite picks the index of the room."""

import pytest

from qingxin.log import read
from qingxin.store.sqlite import SQLite

PARAMS = {"shard": 0, "room_id": "!room:example.org", "after": 0, "until": 100, "limit": 10}


@pytest.mark.parametrize("query", [read.BACK, read.FORTH, read.STATE_AT])
async def test_a_room_is_read_by_its_own_index(sqlite: SQLite, query: str) -> None:
    wanted = {name: value for name, value in PARAMS.items() if f":{name}" in query}
    plan = " | ".join(row[-1] for row in await sqlite.all(f"EXPLAIN QUERY PLAN {query}", **wanted))
    assert "SCAN e" not in plan and "room_id" in plan, plan
    assert "(shard=? AND position>?" not in plan, plan
