"""Notes: what stands in the line and is no event, for the processes that did not write it.

Each such entry leaves a row in its own commit: whom it concerns and its news. So one statement
tells what others have changed, whatever it was. Only the newest notes are kept.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from qingxin.store.database import Database, Insert, Row, Write, sql

KEPT = 50_000  # numbers; a process that is further behind starts afresh
CLEARED_EVERY = 1_000  # numbers

COLUMNS = ("shard", "number", "kind", "room_id", "user_id", "news")
SINCE = """
    SELECT number, kind, room_id, user_id, news FROM line_notes
    WHERE shard = :shard AND number > :after AND number <= :until ORDER BY number
"""
CLEAR = "DELETE FROM line_notes WHERE shard = :shard AND number <= :until"


class Note(Struct, frozen=True):
    """An entry as other processes see it. `news` is what it said, where somebody listens."""

    number: int
    room_id: str | None
    user_id: str | None
    news: object = None


def row(shard: int, note: Note) -> Write:
    """The write that leaves a note."""
    kind = "" if note.news is None else type(note.news).__name__
    news = b"" if note.news is None else msgspec.json.encode(note.news)
    values: Row = (shard, note.number, kind, note.room_id, note.user_id, news)
    return Insert("line_notes", COLUMNS, [values])


async def since(
    database: Database, shard: int, after: int, until: int, kinds: Iterable[type]
) -> list[Note]:
    """The notes in (after, until], with their news where it is one of `kinds`.

    Raises msgspec.ValidationError where another version of the software wrote them.
    """
    known = {kind.__name__: kind for kind in kinds}
    rows = await database.all(SINCE, shard=shard, after=after, until=until)
    return [
        Note(number, room_id, user_id, _decoded(known, kind, news))
        for number, kind, room_id, user_id, news in rows
    ]


def _decoded(known: Mapping[str, type], kind: str, news: bytes) -> object:
    return msgspec.json.decode(news, type=known[kind]) if kind in known else None


def clearing(shard: int, before: int, after: int) -> list[Write]:
    """What removes old notes, now and then while the line goes from `before` to `after`."""
    if before // CLEARED_EVERY == after // CLEARED_EVERY:
        return []
    return [sql(CLEAR, shard=shard, until=after - KEPT)]
