"""Filters that devices have left here, to name them in /sync by a short id."""

from qingxin import ids
from qingxin.store.database import Database, Insert

COLUMNS = ("user_id", "filter_id", "content")


class Filters:
    """Keeps filters. The same filter has the same id, so that a client may leave it every day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, user_id: str, content: bytes) -> str:
        """Store a filter, as JSON; its id."""
        filter_id = ids.digest(content.decode())[:16]
        row = (user_id, filter_id, content)
        await self._database.write(
            Insert("filters", COLUMNS, [row], "(user_id, filter_id) DO NOTHING")
        )
        return filter_id

    async def get(self, user_id: str, filter_id: str) -> bytes | None:
        row = await self._database.one(
            "SELECT content FROM filters WHERE user_id = :user_id AND filter_id = :filter_id",
            user_id=user_id,
            filter_id=filter_id,
        )
        return row[0] if row else None
