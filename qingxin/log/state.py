"""A room's current state in memory: all of it but the members, who are read when needed."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from qingxin.errors import NotFound
from qingxin.log.event import MEMBER, SELECTED, Event
from qingxin.log.sight import Spans
from qingxin.log.versions import VERSIONS, Version
from qingxin.store.database import Database

ROOMS = "SELECT room_id, version, type FROM rooms WHERE shard = :shard AND room_id IN :rooms"
STATE = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id IN :rooms AND s.type <> 'm.room.member'
"""
MEMBERS = f"""
    SELECT {SELECTED} FROM state s JOIN events e ON e.shard = s.shard AND e.position = s.position
    WHERE s.shard = :shard AND s.room_id IN :rooms AND s.type = 'm.room.member'
        AND s.state_key IN :users
"""
COUNTS = """
    SELECT room_id, membership, count(*), max(position) FROM state
    WHERE shard = :shard AND room_id IN :rooms AND type = 'm.room.member'
    GROUP BY room_id, membership
"""
VISIBILITY = """
    SELECT room_id, position, content FROM events
    WHERE shard = :shard AND room_id IN :rooms AND type = 'm.room.history_visibility'
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
        self.counted = 0  # the position of the latest membership in `counts`

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

    def apply(self, event: Event) -> bool:
        """Take in a committed state event; False where what it replaces is not at hand."""
        key = event.state_key
        if key is None:
            return True
        if event.type == MEMBER:
            return self._move(event, key)
        before = self.events.get((event.type, key))
        if before is not None and before.position >= event.position:
            return True
        self.events[event.type, key] = event
        if event.type == "m.room.history_visibility" and key == "":
            if not self.visibility or self.visibility[-1][0] < event.position:
                self.visibility.append((event.position, visibility_of(event.content)))
        return True

    def _move(self, event: Event, user_id: str) -> bool:
        if event.position <= self.counted:
            return True  # it was there when the members were counted
        if user_id not in self.members:
            return False
        before = self.members[user_id]
        if before is not None and before.position >= event.position:
            return False  # it was read after the members were counted
        if before is not None and before.membership:
            self.counts[before.membership] -= 1
        membership = event.membership or "leave"
        self.counts[membership] = self.counts.get(membership, 0) + 1
        self.members[user_id] = event
        self.counted = event.position
        return True


def visibility_of(content: bytes) -> str:
    value = msgspec.json.decode(content).get("history_visibility")
    return value if isinstance(value, str) else "shared"


class Overlay:
    """A state as it will be once the drafts that were accepted before are committed."""

    def __init__(self, base: "RoomState | Overlay") -> None:
        self.base = base
        self.version: Version = base.version
        self.room_id: str = base.room_id
        self.signs: set[tuple[str, ...]] = set()  # the reactions among the drafts
        self._set: dict[tuple[str, str], Event] = {}

    def get(self, type: str, state_key: str = "") -> Event | None:
        return self._set.get((type, state_key)) or self.base.get(type, state_key)

    def membership(self, user_id: str) -> str:
        member = self._set.get((MEMBER, user_id))
        return (member.membership or "leave") if member else self.base.membership(user_id)

    @property
    def bottom(self) -> RoomState:
        """The committed state under all overlays."""
        return self.base.bottom if isinstance(self.base, Overlay) else self.base

    def set(self, event: Event) -> None:
        if event.state_key is not None:
            self._set[event.type, event.state_key] = event

    def has_sign(self, sign: tuple[str, ...]) -> bool:
        """Whether this reaction is among the drafts that were accepted before."""
        if sign in self.signs:
            return True
        return isinstance(self.base, Overlay) and self.base.has_sign(sign)

    def settle(self, other: "Overlay") -> None:
        """Take over what `other`, which stands on this one, has set."""
        self._set.update(other._set)
        self.signs |= other.signs


class Load:
    """Rooms that are being read, and those of them that have changed meanwhile."""

    def __init__(self, rooms: Sequence[str]) -> None:
        self.rooms = rooms
        self.changed: set[str] = set()


class States:
    """The rooms' states that are in memory; the least recently used give way."""

    def __init__(self, database: Database, shard: int = 0, most: int = 5000) -> None:
        self._database = database
        self._shard = shard
        self._most = most
        self._rooms: OrderedDict[str, RoomState] = OrderedDict()
        self._loads: list[Load] = []

    async def of(self, room_id: str, users: Iterable[str] = ()) -> RoomState:
        """The state of a room with these users' memberships at hand. Raises NotFound."""
        if room_id not in self._rooms:
            await self._load([room_id])
        state = self._rooms.get(room_id)
        if state is None:
            raise NotFound("There is no such room.")
        self._rooms.move_to_end(room_id)
        if missing := [user_id for user_id in users if user_id not in state.members]:
            await self.load_members([state], missing)
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

    def clear(self) -> None:
        """Drop everything, e.g. since nobody knows what others have changed."""
        self._rooms.clear()
        for load in self._loads:
            load.changed.update(load.rooms)

    def apply(self, event: Event) -> None:
        """Take in a committed event, if its room is in memory."""
        if event.state_key is None:
            return
        self._mark(event.room_id)
        state = self._rooms.get(event.room_id)
        if state is not None and not state.apply(event):
            del self._rooms[event.room_id]

    def _mark(self, room_id: str) -> None:
        for load in self._loads:
            load.changed.add(room_id)

    async def prime(self, rooms: Iterable[str], user_id: str) -> None:
        """Have many rooms at hand with one user's membership, in a few reads for all."""
        missing = [room_id for room_id in rooms if room_id not in self._rooms]
        if missing:
            await self._load(missing)
        unknown = [
            state
            for room_id in rooms
            if (state := self._rooms.get(room_id)) and user_id not in state.members
        ]
        await self.load_members(unknown, [user_id])

    async def _load(self, rooms: Sequence[str]) -> None:
        """Keep these rooms' states. What changes while they are read is read once more."""
        missing = list(rooms)
        while missing:
            load = Load(missing)
            self._loads.append(load)
            try:
                states = await self._read(missing)
            finally:
                self._loads.remove(load)
            missing = [room_id for room_id in missing if room_id in load.changed]
            for room_id, state in states.items():
                if room_id not in missing:
                    self._rooms.setdefault(room_id, state)
        while len(self._rooms) > self._most:
            self._rooms.popitem(last=False)

    async def _read(self, rooms: list[str]) -> dict[str, RoomState]:
        found = await self._database.all(ROOMS, shard=self._shard, rooms=rooms)
        states = {
            room_id: RoomState(room_id, VERSIONS[version], type) for room_id, version, type in found
        }
        where = {"shard": self._shard, "rooms": list(states)}
        for event in map(Event.of, await self._database.all(STATE, **where)):
            states[event.room_id].events[event.type, event.state_key or ""] = event
        for room_id, membership, count, newest in await self._database.all(COUNTS, **where):
            state = states[room_id]
            state.counts[str(membership)] = count
            state.counted = max(state.counted, newest)
        for room_id, position, content in await self._database.all(VISIBILITY, **where):
            states[room_id].visibility.append((position, visibility_of(content)))
        return states

    async def load_members(self, states: Sequence[RoomState], users: list[str]) -> None:
        if not states:
            return
        rooms = {state.room_id: state for state in states}
        rows = await self._database.all(MEMBERS, shard=self._shard, rooms=list(rooms), users=users)
        for event in map(Event.of, rows):
            rooms[event.room_id].members.setdefault(event.state_key or "", event)
        for state in states:
            for user_id in users:
                state.members.setdefault(user_id, None)
