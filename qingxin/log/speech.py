"""Drafts on their way into the line: checked against the room, then turned into events and rows.

All drafts of one speech are accepted, or none.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.errors import Forbidden, MatrixError, TooLarge
from qingxin.log import access, reactions
from qingxin.log.event import COLUMNS, MAX_EVENT, MEMBER, Draft, Event, relation
from qingxin.log.read import History
from qingxin.log.redact import Redaction, TakenBack
from qingxin.log.state import Overlay, RoomState
from qingxin.log.versions import VERSIONS
from qingxin.store.database import Insert, Write, sql
from qingxin.store.line import Entry

Screen = Callable[[access.State, Draft], None]  # raises to refuse, before anything is written

ROOM_COLUMNS = ("shard", "room_id", "version", "type", "creator", "created")
STATE_COLUMNS = ("shard", "room_id", "type", "state_key", "position", "membership")
NEW_STATE = """(shard, room_id, type, state_key) DO UPDATE SET
    position = excluded.position, membership = excluded.membership"""
MARK_RELATED = "UPDATE events SET related = 1 WHERE shard = :shard AND event_id = :event_id"


class Unchanged(Exception):
    """The state is already what the drafts would make it; `events` made it so."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__(", ".join(event.event_id for event in events))
        self.events = events


class Founding(Struct, frozen=True):
    """A room that does not exist before the first of its drafts is accepted."""

    room_id: str
    version: str
    type: str | None

    def state(self) -> RoomState:
        return RoomState(self.room_id, VERSIONS[self.version], self.type)


class Floor(Struct, frozen=True):
    """Where speeches are made: what they are checked against and stamped with."""

    history: History
    clock: Clock
    shard: int
    screens: Sequence[Screen] = ()


class Said(Entry):
    """New events of one room, and what they took back."""

    news: TakenBack | None
    noted = False  # the events say it all

    def __init__(
        self, room_id: str, events: list[Event], redactions: Sequence[Redaction] = ()
    ) -> None:
        self.room_id: str = room_id
        self.events = events
        self.news = TakenBack(redactions) if redactions else None

    @property
    def redactions(self) -> Sequence[Redaction]:
        return self.news.redactions if self.news else ()


class Speech(Said):
    """One or more drafts for one room. `said` are the resulting events, old ones where same."""

    def __init__(
        self, floor: Floor, drafts: Sequence[Draft], founding: Founding | None = None
    ) -> None:
        super().__init__(drafts[0].room_id, [])
        self.founding = founding
        self.said: list[Event] = []
        self._taken_back: list[Redaction] = []
        self._floor = floor
        self._history = floor.history
        self._drafts = drafts

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        self.said, self.events, self.news = [], [], None
        self._taken_back.clear()
        writes: list[Write] = []
        below = await self._ground(at_once)
        overlay = Overlay(below)
        for draft in self._drafts:
            await self._load(overlay, draft)
            writes += await self._accept(draft, number + len(self.events), overlay)
        if not self.events:
            raise Unchanged(self.said)
        self.count = len(self.events)
        if self._taken_back:
            self.news = TakenBack(list(self._taken_back))
        below.settle(overlay)
        return [*self._rows(), *writes]

    async def _ground(self, at_once: dict[Any, Any]) -> Overlay:
        """The room as it will be after what this commit has accepted before."""
        if self.room_id not in at_once:
            state = self.founding.state() if self.founding else None
            at_once[self.room_id] = Overlay(state or await self._history.states.of(self.room_id))
        ground: Overlay = at_once[self.room_id]
        return ground

    async def _load(self, overlay: Overlay, draft: Draft) -> None:
        """Have at hand the memberships that the rules will ask for."""
        users = {draft.sender}
        if draft.type == MEMBER and draft.state_key is not None:
            users.add(draft.state_key)
            if isinstance(voucher := draft.content.get("join_authorised_via_users_server"), str):
                users.add(voucher)
        state = overlay.bottom
        if missing := [user_id for user_id in users if user_id not in state.members]:
            if self.founding is not None:
                state.members.update(dict.fromkeys(missing))
            else:
                await self._history.states.load_members([state], missing)

    async def _accept(self, draft: Draft, position: int, overlay: Overlay) -> list[Write]:
        if (twin := self._history.tail.find(draft.event_id or "")) is not None:
            self.said.append(twin)  # another process was quicker with the same transaction
            return []
        access.check(overlay, draft)
        previous = overlay.get(draft.type, draft.state_key) if draft.state_key is not None else None
        if previous is not None and not self.founding and _is_same(previous, draft):
            self.said.append(previous)
            return []
        for screen in self._floor.screens:
            screen(overlay, draft)
        event = self._event(draft, position, previous)
        writes = await self._relate(event)
        if event.rel_type == "m.annotation":
            await reactions.check_new(self._history, event, overlay)
        if draft.redacts is not None:
            writes += await self._redact(draft, event, overlay)
        overlay.set(event)
        self.said.append(event)
        self.events.append(event)
        return writes

    def _event(self, draft: Draft, position: int, previous: Event | None) -> Event:
        """The event that a draft becomes at `position`."""
        rel_type, rel_to = relation(draft.content) if draft.state_key is None else (None, None)
        event = Event(
            shard=self._floor.shard,
            position=position,
            room_id=draft.room_id,
            event_id=draft.event_id or ids.random_event_id(),
            type=draft.type,
            state_key=draft.state_key,
            sender=draft.sender,
            ts=self._floor.clock.now(),
            content=msgspec.json.encode(draft.content),
            unsigned=_previous(previous),
            redacts=draft.redacts,
            redacted_by=None,
            rel_type=rel_type,
            rel_to=rel_to,
            thread=None,
            related=0,
            device_id=draft.device_id,
            txn_id=draft.txn_id,
        )
        if len(event.head()) + len(event.room_id) > MAX_EVENT:
            raise TooLarge("An event may have at most 65,536 bytes.")
        return event

    async def _relate(self, event: Event) -> list[Write]:
        """Tie an event to its parent: what is no valid relation is none at all."""
        if event.rel_to is None:
            return []
        parent = await self._history.find(event.rel_to)
        if parent is None:
            event.thread = event.rel_to if event.rel_type == "m.thread" else None
            return []
        if parent.room_id != event.room_id:
            event.rel_type = event.rel_to = None
            return []
        if event.rel_type == "m.thread" and parent.rel_type is not None:
            raise MatrixError("A thread cannot start from a message that belongs to another one.")
        event.thread = parent.event_id if event.rel_type == "m.thread" else parent.thread
        if parent.related:
            return []
        return [sql(MARK_RELATED, shard=event.shard, event_id=parent.event_id)]

    async def _redact(self, draft: Draft, event: Event, overlay: Overlay) -> list[Write]:
        target = await self._history.event(draft.room_id, draft.redacts or "")
        if not access.may_redact(overlay, draft.sender, target):
            raise Forbidden("You may not remove other people's messages in this room.")
        if target.redacted_by is not None:
            return []
        redaction = Redaction.of(target, event, overlay.version)
        self._taken_back.append(redaction)
        return redaction.writes()

    def _rows(self) -> list[Write]:
        writes: list[Write] = []
        if (room := self.founding) is not None:
            first = self.events[0]
            row = (first.shard, room.room_id, room.version, room.type, first.sender, first.ts)
            writes.append(Insert("rooms", ROOM_COLUMNS, [row]))
        writes.append(Insert("events", COLUMNS, [event.row() for event in self.events]))
        if state := [_state_row(event) for event in self.events if event.is_state]:
            writes.append(Insert("state", STATE_COLUMNS, state, NEW_STATE))
        return writes


def _is_same(previous: Event, draft: Draft) -> bool:
    return previous.sender == draft.sender and previous.decoded() == draft.content


def _previous(previous: Event | None) -> bytes:
    if previous is None:
        return b""
    return b',"prev_content":%s,"prev_sender":%s,"replaces_state":"%s"' % (
        previous.content,
        msgspec.json.encode(previous.sender),
        previous.event_id.encode(),
    )


def _state_row(event: Event) -> tuple[Any, ...]:
    place = (event.shard, event.room_id, event.type, event.state_key)
    return (*place, event.position, event.membership)
