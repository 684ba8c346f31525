"""A room's current state in memory: all of it but the members, who are read when needed."""

from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from qingxin.errors import NotFound
from qingxin.log.event import MEMBER, SELECTED, Event
from qingxin.log.sight import Spans
from qingxin.log.versions import VERSIONS, Version
from qingxin.store.database import Database

ROOM = "SELECT version, type FROM rooms WHERE shard = :shard AND room_id = :room_id"
STATE = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id = :room_id AND s.type <> 'm.room.member'
"""
MEMBERS = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id = :room_id AND s.type = 'm.room.member'
        AND s.state_key IN :users
"""
COUNTS = """
    SELECT membership, count(*) FROM state
    WHERE shard = :shard AND room_id = :room_id AND type = 'm.room.member' GROUP BY membership
"""
VISIBILITY = """
    SELECT position, content FROM events
    WHERE shard = :shard AND room_id = :room_id AND type = 'm.room.history_visibility'
        AND state_key = '' ORDER BY position
"""


class RoomState:
    """The state of one room now. `members` holds those that were asked for; None: never there."""

    def __init__(self, room_id: str, version: Version, type: str | None = None) -> None:
        self.room_id = room_id
        self.version = version
        self.type = type
        self.events: dict[tuple[str, str], Event] = {}
        self.members: dict[str, Event | None] = {}
        self.counts: dict[str, int] = {}
        self.visibility: Spans = []
        self.newest = 0  # the position of the latest event applied

    def get(self, type: str, state_key: str = "") -> Event | None:
        if type == MEMBER:
            return self.members.get(state_key)
        return self.events.get((type, state_key))

    def membership(self, user_id: str) -> str:
        member = self.members.get(user_id)
        return (member.membership or "leave") if member else "leave"

    def text(self, type: str, key: str, state_key: str = "") -> str | None:
        """One text out of a state event's content, e.g. ("m.room.name", "name")."""
        event = self.get(type, state_key)
        value = event.decoded().get(key) if event else None
        return value if isinstance(value, str) else None

    @property
    def joined(self) -> int:
        return self.counts.get("join", 0)

    @property
    def invited(self) -> int:
        return self.counts.get("invite", 0)

    def apply(self, event: Event) -> None:
        """Take in a committed state event whose predecessor is loaded, if it is a membership."""
        if event.position <= self.newest or event.state_key is None:
            return
        self.newest = event.position
        if event.type != MEMBER:
            self.events[event.type, event.state_key] = event
            if event.type == "m.room.history_visibility" and event.state_key == "":
                self.visibility.append((event.position, visibility_of(event)))
            return
        before = self.members.get(event.state_key)
        if before is not None and before.membership:
            self.counts[before.membership] -= 1
        membership = event.membership or "leave"
        self.counts[membership] = self.counts.get(membership, 0) + 1
        self.members[event.state_key] = event


def visibility_of(event: Event) -> str:
    value = event.decoded().get("history_visibility")
    return value if isinstance(value, str) else "shared"


class Overlay:
    """A state as it will be once the drafts that were accepted before are committed."""

    def __init__(self, base: "RoomState | Overlay") -> None:
        self.base = base
        self.version: Version = base.version
        self.room_id: str = base.room_id
        self._set: dict[tuple[str, str], Event] = {}

    def get(self, type: str, state_key: str = "") -> Event | None:
        return self._set.get((type, state_key)) or self.base.get(type, state_key)

    def membership(self, user_id: str) -> str:
        member = self._set.get((MEMBER, user_id))
        return (member.membership or "leave") if member else self.base.membership(user_id)

    def set(self, event: Event) -> None:
        if event.state_key is not None:
            self._set[event.type, event.state_key] = event

    def settle(self, other: "Overlay") -> None:
        """Take over what `other`, which stands on this one, has set."""
        self._set.update(other._set)


class States:
    """The rooms' states that are in memory; the least recently used give way."""

    def __init__(self, database: Database, shard: int = 0, most: int = 5000) -> None:
        self._database = database
        self._shard = shard
        self._most = most
        self._rooms: OrderedDict[str, RoomState] = OrderedDict()
        self._stale: dict[str, bool] = {}  # rooms being loaded: has one changed meanwhile?

    async def of(self, room_id: str, users: Iterable[str] = ()) -> RoomState:
        """The state of a room with these users' memberships at hand. Raises NotFound."""
        state = self._rooms.get(room_id)
        if state is None:
            state = await self._load(room_id)
        else:
            self._rooms.move_to_end(room_id)
        if missing := [user_id for user_id in users if user_id not in state.members]:
            await self._load_members(state, missing)
        return state

    def loaded(self, room_id: str) -> RoomState | None:
        return self._rooms.get(room_id)

    def found(self, state: RoomState) -> None:
        """Keep the state of a room that has just been created."""
        self._rooms[state.room_id] = state

    def forget(self, room_id: str) -> None:
        """Drop what is in memory, e.g. since another process has changed it."""
        self._rooms.pop(room_id, None)
        self._mark(room_id)

    def apply(self, event: Event) -> None:
        """Take in a committed event, if its room is in memory."""
        if event.state_key is None:
            return
        self._mark(event.room_id)
        if (state := self._rooms.get(event.room_id)) is not None:
            state.apply(event)

    def _mark(self, room_id: str) -> None:
        if room_id in self._stale:
            self._stale[room_id] = True

    async def _load(self, room_id: str) -> RoomState:
        self._stale[room_id] = True
        while self._stale.get(room_id):
            self._stale[room_id] = False
            state = await self._read(room_id)
        self._stale.pop(room_id, None)
        if (kept := self._rooms.get(room_id)) is not None:  # loaded meanwhile by somebody else
            return kept
        self._rooms[room_id] = state
        while len(self._rooms) > self._most:
            self._rooms.popitem(last=False)
        return state

    async def _read(self, room_id: str) -> RoomState:
        where = {"shard": self._shard, "room_id": room_id}
        row = await self._database.one(ROOM, **where)
        if row is None:
            raise NotFound("There is no such room.")
        state = RoomState(room_id, VERSIONS[row[0]], row[1])
        for event in map(Event.of, await self._database.all(STATE, **where)):
            state.events[event.type, event.state_key or ""] = event
        state.counts = {str(key): count for key, count in await self._database.all(COUNTS, **where)}
        for position, content in await self._database.all(VISIBILITY, **where):
            setting = msgspec.json.decode(content).get("history_visibility")
            state.visibility.append((position, setting if isinstance(setting, str) else "shared"))
        return state

    async def _load_members(self, state: RoomState, users: list[str]) -> None:
        rows = await self._database.all(
            MEMBERS, shard=self._shard, room_id=state.room_id, users=users
        )
        found = {event.state_key: event for event in map(Event.of, rows)}
        for user_id in users:
            state.members.setdefault(user_id, found.get(user_id))
