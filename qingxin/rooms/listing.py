"""The public list: the rooms that anybody may find, the largest first.

Size and words of each are kept beside it, to sort and to search by; what is shown comes from
the room itself. spec: client-server-api/#published-room-directory
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.errors import Forbidden, InvalidParam, NotFound
from qingxin.log import access
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Event
from qingxin.log.state import RoomState
from qingxin.rooms.summary import Summary, summarise
from qingxin.store.database import Database, Row, sql

MOST = 100  # rooms on a page
SHOWN_BY = frozenset({MEMBER, "m.room.name", "m.room.topic", "m.room.canonical_alias"})

LIST = """
    INSERT INTO listings (room_id, type, members, words)
    VALUES (:room_id, :type, :members, :words)
    ON CONFLICT (room_id) DO UPDATE SET members = excluded.members, words = excluded.words
"""
REFRESH = "UPDATE listings SET members = :members, words = :words WHERE room_id = :room_id"
UNLIST = "DELETE FROM listings WHERE room_id = :room_id"
IS_LISTED = "SELECT room_id FROM listings WHERE room_id = :room_id"
LISTED = "SELECT room_id FROM listings WHERE room_id IN :rooms"
WANTED = r"words LIKE :pattern ESCAPE '\' AND (:of_any_type = 1 OR type IN :types)"
COUNT = f"SELECT count(*) FROM listings WHERE {WANTED}"
AFTER = f"""
    SELECT members, room_id FROM listings
    WHERE {WANTED} AND (members < :members OR (members = :members AND room_id > :room_id))
    ORDER BY members DESC, room_id LIMIT :limit
"""
BEFORE = f"""
    SELECT members, room_id FROM listings
    WHERE {WANTED} AND (members > :members OR (members = :members AND room_id < :room_id))
    ORDER BY members, room_id DESC LIMIT :limit
"""


class Place(Struct, array_like=True, frozen=True):
    """A place in the list, between two rooms, and the direction to read from there."""

    members: int
    room_id: str
    backwards: bool = False

    def __str__(self) -> str:
        return ids.unpadded(msgspec.json.encode(self))

    @classmethod
    def parse(cls, token: str) -> "Place":
        """Raises InvalidParam."""
        try:
            return msgspec.json.decode(ids.raw(token), type=cls)
        except ValueError:  # msgspec's own errors are among them
            raise InvalidParam("since is no place in this list.") from None


START = Place(2**62, "")


class Wanted(Struct, frozen=True):
    """Which rooms: those with `term` in their words, of one of these types ("" is none)."""

    term: str = ""
    types: tuple[str, ...] | None = None


class Page(Struct, frozen=True):
    """Some rooms of the list."""

    rooms: list[Summary]
    total: int
    before: Place | None
    after: Place | None


class Listing:
    """The public list."""

    def __init__(self, log: Log, database: Database) -> None:
        self._states = log.history.states
        self._database = database

    async def publish(self, room_id: str, user_id: str, listed: bool) -> None:
        """List a room, or no longer, as somebody wishes. Raises Forbidden, NotFound."""
        state = await self._states.of(room_id, (user_id,))
        inside = state.membership(user_id) == "join"
        needed = access.needed(state, "m.room.canonical_alias", True)
        if not inside or access.power(state, user_id) < needed:
            raise Forbidden("Only the room's moderators may change whether it is listed.")
        await (self.add(room_id) if listed else self.remove(room_id))

    async def add(self, room_id: str) -> None:
        """List a room. Raises NotFound."""
        state = await self._states.of(room_id)
        await self._database.write(sql(LIST, type=state.type or "", **_about(state)))

    async def remove(self, room_id: str) -> None:
        await self._database.write(sql(UNLIST, room_id=room_id))

    async def has(self, room_id: str) -> bool:
        return await self._database.one(IS_LISTED, room_id=room_id) is not None

    async def page(self, wanted: Wanted, place: Place | None, limit: int) -> Page:
        """Up to `limit` rooms from a place on."""
        filters = _filters(wanted)
        total = await self._database.scan(COUNT, **filters)
        rows, before, after = await self._rows(filters, place, limit)
        rooms = []
        for _, room_id in rows:
            try:
                rooms.append(summarise(await self._states.of(room_id)))
            except NotFound:  # removed this very moment
                continue
        return Page(rooms, total[0][0], before, after)

    async def _rows(
        self, filters: dict[str, object], place: Place | None, limit: int
    ) -> tuple[list[Row], Place | None, Place | None]:
        start = place or START
        rows = await self._database.scan(
            BEFORE if start.backwards else AFTER,
            members=start.members, room_id=start.room_id, limit=limit + 1, **filters,
        )  # fmt: skip
        more, rows = len(rows) > limit, rows[:limit]
        if start.backwards:
            rows.reverse()
        ends = (rows[0], rows[-1]) if rows else ((start.members, start.room_id),) * 2
        first, last = Place(ends[0][0], ends[0][1], True), Place(ends[1][0], ends[1][1])
        before = first if (more if start.backwards else place is not None) else None
        after = last if (more or start.backwards) else None
        return rows, before, after

    async def take(self, events: Sequence[Event]) -> None:
        """Follow the log: keep size and words of the listed rooms up to date."""
        touched = {event.room_id for event in events if event.type in SHOWN_BY or event.redacts}
        listed = await self._database.all(LISTED, rooms=sorted(touched)) if touched else []
        states = [await self._states.of(room_id) for (room_id,) in listed]
        if states:
            await self._database.write(*(sql(REFRESH, **_about(state)) for state in states))


def _about(state: RoomState) -> dict[str, object]:
    summary = summarise(state)
    words = "\n".join(filter(None, (summary.name, summary.topic, summary.canonical_alias)))
    return {
        "room_id": state.room_id,
        "members": summary.num_joined_members,
        "words": words.replace("\0", "").casefold(),
    }


def _filters(wanted: Wanted) -> dict[str, object]:
    term = wanted.term.casefold()
    for special in "\\%_":
        term = term.replace(special, "\\" + special)
    return {
        "pattern": f"%{term}%",
        "of_any_type": int(wanted.types is None),
        "types": list(wanted.types or ()),
    }
