"""Reading the log: one event, pages of a room, its state at any position, relations, threads."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from qingxin.errors import NotFound
from qingxin.log.event import MEMBER, SELECTED, Event
from qingxin.log.sight import Sight, Spans, never_hidden
from qingxin.log.state import States
from qingxin.log.tail import Tail
from qingxin.store.database import Database, Row

ONE = f"SELECT {SELECTED} FROM events e WHERE e.shard = :shard AND e.event_id = :event_id"
MANY = f"SELECT {SELECTED} FROM events e WHERE e.shard = :shard AND e.event_id IN :event_ids"
# Pairs instead of `room_id = …`, so that SQLite, which keeps no statistics here, reads one
# room by events_room and not the whole log by its primary key.
BACK = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND (e.room_id, e.position) > (:room_id, :after)
        AND (e.room_id, e.position) <= (:room_id, :until)
    ORDER BY e.room_id DESC, e.position DESC LIMIT :limit
"""
FORTH = BACK.replace("DESC", "ASC")
STATE_AT = f"""
    SELECT {SELECTED} FROM events e WHERE e.shard = :shard AND e.position IN (
        SELECT max(position) FROM events
        WHERE shard = :shard AND room_id = :room_id AND state_key IS NOT NULL
            AND position > :after AND position <= :until
        GROUP BY type, state_key
    ) ORDER BY e.position
"""
LAST_OF_EACH = f"""
    SELECT {SELECTED} FROM events e WHERE e.shard = :shard AND e.position IN (
        SELECT max(position) FROM events
        WHERE shard = :shard AND room_id = :room_id AND state_key IS NOT NULL
            AND type IN :types AND state_key IN :keys AND position <= :until
        GROUP BY type, state_key
    )
"""
STATE_NOW = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id = :room_id ORDER BY s.position
"""
MEMBERS_NOW = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id = :room_id AND s.type = 'm.room.member'
    ORDER BY s.position
"""
FIRST_MEMBERS = """
    SELECT state_key FROM state
    WHERE shard = :shard AND room_id = :room_id AND type = 'm.room.member'
        AND membership IN :memberships
    ORDER BY position LIMIT :limit
"""
HISTORY_OF_MEMBER = """
    SELECT position, content FROM events
    WHERE state_key = :user_id AND type = 'm.room.member' AND room_id = :room_id AND shard = :shard
    ORDER BY position
"""
IN_THREADS = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.room_id = :room_id AND e.thread IS NOT NULL
        AND e.position > :after AND e.position <= :until
    ORDER BY e.position
"""
RELATED = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.rel_to IN :parents AND e.room_id = :room_id
    ORDER BY e.position
"""
RELATED_BY = RELATED.replace("ORDER", "AND e.rel_type IN :kinds ORDER")
REACTIONS_OF = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.rel_to = :parent AND e.rel_type = 'm.annotation'
        AND e.sender = :sender AND e.room_id = :room_id
"""
ROOMS_OF = """
    SELECT room_id, membership, position FROM state
    WHERE state_key = :user_id AND membership IN :memberships AND type = 'm.room.member'
"""
MOVES = """
    SELECT room_id, max(position) FROM events
    WHERE state_key = :user_id AND type = 'm.room.member' AND position > :after
        AND position <= :until
    GROUP BY room_id
"""
NEWEST_IN = """
    SELECT room_id, max(position) FROM events
    WHERE shard = :shard AND room_id IN :rooms GROUP BY room_id
"""
THREADS = f"""
    SELECT {SELECTED}, newest.last FROM events e JOIN (
        SELECT thread, max(position) AS last FROM events
        WHERE shard = :shard AND room_id = :room_id AND thread IS NOT NULL AND rel_type = 'm.thread'
        GROUP BY thread
    ) newest ON newest.thread = e.event_id
    WHERE e.shard = :shard AND newest.last <= :until
    ORDER BY newest.last DESC LIMIT :limit
"""
THREAD = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.room_id = :room_id AND e.thread = :root AND e.rel_type = 'm.thread'
    ORDER BY e.position DESC LIMIT :limit
"""
THREAD_COUNTS = """
    SELECT thread, count(*), max(position) FROM events
    WHERE shard = :shard AND room_id = :room_id AND thread IN :roots AND rel_type = 'm.thread'
    GROUP BY thread
"""
WROTE_IN = """
    SELECT DISTINCT thread FROM events
    WHERE shard = :shard AND room_id = :room_id AND thread IN :roots AND rel_type = 'm.thread'
        AND sender = :user_id
"""
AT = f"SELECT {SELECTED} FROM events e WHERE e.shard = :shard AND e.position IN :positions"
BOUNDS = (
    "SELECT min(position), max(position) FROM events WHERE shard = :shard AND room_id = :room_id"
)


class Moved(Struct, frozen=True):
    """A user's latest membership of a room."""

    room_id: str
    membership: str
    position: int


class History:
    """What has been said, read from the tail where it reaches and from the database otherwise."""

    def __init__(self, database: Database, tail: Tail, states: States, shard: int = 0) -> None:
        self._database = database
        self._shard = shard
        self.tail = tail
        self.states = states

    async def find(self, event_id: str) -> Event | None:
        if (event := self.tail.find(event_id)) is not None:
            return event
        row = await self._database.one(ONE, shard=self._shard, event_id=event_id)
        return Event.of(row) if row else None

    async def event(self, room_id: str, event_id: str) -> Event:
        """An event of this room. Raises NotFound."""
        event = await self.find(event_id)
        if event is None or event.room_id != room_id:
            raise NotFound("There is no such event in this room.")
        return event

    async def some(self, event_ids: Sequence[str]) -> dict[str, Event]:
        """Those of the events that exist, by id."""
        found = {i: event for i in event_ids if (event := self.tail.find(i)) is not None}
        if missing := [event_id for event_id in event_ids if event_id not in found]:
            for event in await self.stored(missing):
                found[event.event_id] = event
        return found

    async def stored(self, event_ids: Sequence[str]) -> list[Event]:
        """These events as the database has them now."""
        return await self._all(MANY, event_ids=list(event_ids)) if event_ids else []

    async def at(self, positions: Sequence[int]) -> list[Event]:
        return await self._all(AT, positions=list(positions)) if positions else []

    async def after(
        self, room_id: str, after: int, until: int, limit: int
    ) -> tuple[list[Event], bool]:
        """The newest `limit` events in (after, until], ascending; whether there are more."""
        events = self.tail.after(room_id, after)
        if events is None:
            events = (await self.back(room_id, after, until, limit + 1))[::-1]
        elif events and events[-1].position > until:
            events = [event for event in events if event.position <= until]
        return (events[-limit:] if limit else []), len(events) > limit

    async def newest(self, room_id: str, until: int, limit: int) -> tuple[list[Event], bool]:
        """The last `limit` events up to `until`, ascending; whether there are more before."""
        events = self.tail.newest(room_id, until, limit + 1)
        if events is None:
            events = (await self.back(room_id, -1, until, limit + 1))[::-1]
        return (events[-limit:] if limit else []), len(events) > limit

    async def back(self, room_id: str, after: int, until: int, limit: int) -> list[Event]:
        """Events in (after, until], newest first."""
        return await self._all(BACK, room_id=room_id, after=after, until=until, limit=limit)

    async def forth(self, room_id: str, after: int, until: int, limit: int) -> list[Event]:
        """Events in (after, until], oldest first."""
        return await self._all(FORTH, room_id=room_id, after=after, until=until, limit=limit)

    async def state_now(self, room_id: str) -> list[Event]:
        return await self._all(STATE_NOW, room_id=room_id)

    async def state_at(self, room_id: str, until: int) -> list[Event]:
        """The whole state as it was after position `until`."""
        return await self._all(STATE_AT, room_id=room_id, after=-1, until=until)

    async def state_changes(self, room_id: str, after: int, until: int) -> list[Event]:
        """For every state key set in (after, until] the last event there."""
        return await self._all(STATE_AT, room_id=room_id, after=after, until=until)

    async def last_of_each(
        self, room_id: str, wanted: Sequence[tuple[str, str]], until: int
    ) -> list[Event]:
        """The latest state event up to `until` for each (type, state key)."""
        events = await self._all(
            LAST_OF_EACH, room_id=room_id, until=until,
            types=list({type for type, _ in wanted}), keys=list({key for _, key in wanted}),
        )  # fmt: skip
        return [event for event in events if (event.type, event.state_key) in set(wanted)]

    async def members_now(self, room_id: str) -> list[Event]:
        return await self._all(MEMBERS_NOW, room_id=room_id)

    async def members_at(self, room_id: str, until: int) -> list[Event]:
        return [event for event in await self.state_at(room_id, until) if event.type == MEMBER]

    async def first_members(
        self, room_id: str, memberships: Sequence[str], limit: int
    ) -> list[str]:
        """The longest-standing members' user ids."""
        rows = await self._database.all(
            FIRST_MEMBERS,
            shard=self._shard, room_id=room_id, memberships=list(memberships), limit=limit,
        )  # fmt: skip
        return [row[0] for row in rows]

    async def sight(self, room_id: str, user_id: str) -> Sight:
        """What this user may see of this room. Raises NotFound for rooms that are not there."""
        state = await self.states.of(room_id, (user_id,))
        now = state.members.get(user_id)
        if now is not None and now.membership == "join":
            spans = [(now.position, "join")]
            if never_hidden(spans, state.visibility):
                return Sight(user_id, spans, state.visibility, True)
        memberships = await self.memberships(room_id, user_id, 2**62)
        return Sight(user_id, memberships, state.visibility)

    async def memberships(self, room_id: str, user_id: str, until: int) -> Spans:
        """Every membership a user has had in a room up to `until`, oldest first."""
        rows = await self._database.all(
            HISTORY_OF_MEMBER, shard=self._shard, room_id=room_id, user_id=user_id
        )
        return [(position, _membership(content)) for position, content in rows if position <= until]

    async def rooms_of(self, user_id: str, memberships: Sequence[str] = ("join",)) -> list[Moved]:
        """The rooms in which a user has one of these memberships now."""
        rows = await self._database.all(ROOMS_OF, user_id=user_id, memberships=list(memberships))
        return [Moved(*row) for row in rows]

    async def joined_rooms(self, user_id: str) -> list[str]:
        return [moved.room_id for moved in await self.rooms_of(user_id)]

    async def moves(self, user_id: str, after: int, until: int) -> dict[str, int]:
        """Rooms in which a user's membership changed in (after, until], with the last position."""
        return dict(await self._database.all(MOVES, user_id=user_id, after=after, until=until))

    async def newest_in(self, rooms: Sequence[str]) -> dict[str, int]:
        """The position of the newest event of each of these rooms."""
        if not rooms:
            return {}
        return dict(await self._database.all(NEWEST_IN, shard=self._shard, rooms=list(rooms)))

    async def related(
        self, room_id: str, parents: Sequence[str], kinds: Sequence[str] | None = None
    ) -> list[Event]:
        """The events that refer to one of these, by a relation of these kinds, oldest first."""
        if not parents:
            return []
        if kinds is None:
            return await self._all(RELATED, room_id=room_id, parents=list(parents))
        return await self._all(
            RELATED_BY, room_id=room_id, parents=list(parents), kinds=list(kinds)
        )

    async def reactions_of(self, room_id: str, parent: str, sender: str) -> list[Event]:
        """What one person has annotated an event with."""
        return await self._all(REACTIONS_OF, room_id=room_id, parent=parent, sender=sender)

    async def in_threads(self, room_id: str, after: int, until: int) -> list[Event]:
        """The events in (after, until] that belong to threads."""
        return await self._all(IN_THREADS, room_id=room_id, after=after, until=until)

    async def threads(self, room_id: str, until: int, limit: int) -> list[tuple[Event, int]]:
        """Thread roots with the position of their last reply, newest reply first."""
        rows = await self._rows(THREADS, room_id=room_id, until=until, limit=limit)
        return [(Event.of(row[:-1]), row[-1]) for row in rows]

    async def thread_counts(self, room_id: str, roots: Sequence[str]) -> dict[str, tuple[int, int]]:
        """For each root the number of replies and the last one's position."""
        rows = await self._rows(THREAD_COUNTS, room_id=room_id, roots=list(roots))
        return {root: (count, last) for root, count, last in rows}

    async def wrote_in(self, room_id: str, roots: Sequence[str], user_id: str) -> set[str]:
        """Those of the threads in which a user has replied."""
        rows = await self._rows(WROTE_IN, room_id=room_id, roots=list(roots), user_id=user_id)
        return {row[0] for row in rows}

    async def nearest(self, room_id: str, ts: int, forwards: bool) -> Event | None:
        """The event closest to a time (ms): the first at or after it, or the last at or before."""
        low, high = (await self._rows(BOUNDS, room_id=room_id))[0]
        if low is None:
            return None
        # Times rise with positions, so halving finds the place without an index on time.
        while low <= high:
            middle = (low + high) // 2
            page = await self.forth(room_id, middle - 1, high, 1)
            if page and (page[0].ts < ts or (not forwards and page[0].ts == ts)):
                low = page[0].position + 1
            else:
                high = middle - 1
        found = (
            await self.forth(room_id, low - 1, 2**62, 1)
            if forwards
            else await self.back(room_id, -1, low - 1, 1)
        )
        return found[0] if found else None

    async def _all(self, query: str, **params: Any) -> list[Event]:
        return [Event.of(row) for row in await self._rows(query, **params)]

    async def _rows(self, query: str, **params: Any) -> list[Row]:
        return await self._database.all(query, shard=self._shard, **params)


def _membership(content: bytes) -> str:
    value = msgspec.json.decode(content).get("membership", "leave")
    return value if isinstance(value, str) else "leave"


def newest_of_each(events: Iterable[Event]) -> dict[tuple[str, str], Event]:
    """State events by key, the last one of each key."""
    return {(event.type, event.state_key or ""): event for event in events}
