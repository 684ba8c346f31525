"""Saying something: drafts become events, checked, numbered and durable, in one call.

`Log.append` is the only way into the log. After it returns, the event is on the disk and
everybody concerned has been told.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from qingxin import ids
from qingxin.clock import Clock
from qingxin.errors import BadJson, Forbidden, MatrixError, TooLarge
from qingxin.log import access, reactions
from qingxin.log.event import (
    COLUMNS,
    MAX_EVENT,
    MEMBER,
    SELECTED,
    Draft,
    Event,
    Reader,
    encode,
    relation,
)
from qingxin.log.feed import Feed
from qingxin.log.read import History
from qingxin.log.state import Overlay, RoomState
from qingxin.log.versions import VERSIONS, redacted
from qingxin.store.database import ConstraintViolated, Database, Insert, Write, sql
from qingxin.store.line import Entry, Line

Screen = Callable[[access.State, Draft], None]  # raises to refuse, before anything is written

ROOM_COLUMNS = ("shard", "room_id", "version", "type", "creator", "created")
STATE_COLUMNS = ("shard", "room_id", "type", "state_key", "position", "membership")
NEW_STATE = """(shard, room_id, type, state_key) DO UPDATE SET
    position = excluded.position, membership = excluded.membership"""
MARK_RELATED = "UPDATE events SET related = 1 WHERE shard = :shard AND event_id = :event_id"
REDACT = """
    UPDATE events SET content = :content, unsigned = :unsigned, redacted_by = :redacted_by,
        rel_type = NULL, rel_to = NULL, thread = NULL
    WHERE shard = :shard AND event_id = :event_id
"""
FORGET_PREVIOUS = """
    UPDATE events SET unsigned = :unsigned WHERE shard = :shard AND position IN (
        SELECT min(position) FROM events
        WHERE shard = :shard AND room_id = :room_id AND type = :type AND state_key = :state_key
            AND position > :position
    )
"""
SINCE = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.position > :after AND e.position <= :until ORDER BY e.position
"""
MOST_TO_CATCH_UP = 20_000  # positions; further behind, starting afresh is cheaper
DEEPEST = 100  # levels of nesting in a content
TOO_BIG = 2**53  # spec: appendices/#canonical-json


class Unchanged(Exception):
    """The state is already what the draft would make it."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.event_id)
        self.event = event


class Founding:
    """A room that does not exist before the first of its drafts is accepted."""

    def __init__(self, room_id: str, version: str, type: str | None) -> None:
        self.room_id, self.version, self.type = room_id, version, type


class Speech(Entry):
    """One or more drafts for one room on their way into the line: all are accepted or none."""

    def __init__(self, log: "Log", drafts: Sequence[Draft], founding: Founding | None) -> None:
        self.room_id = drafts[0].room_id
        self.founding = founding
        self.events: list[Event] = []
        self.redactions: list[tuple[Event, Event]] = []  # (what was redacted, by what)
        self._log = log
        self._drafts = drafts

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        self.events, self.redactions, writes = [], [], []
        below = await self._ground(at_once)
        overlay = Overlay(below)
        for index, draft in enumerate(self._drafts):
            await self._log.load(overlay, draft)
            writes += await self._accept(draft, number + index, overlay)
        self.count = len(self.events)
        below.settle(overlay)
        return [*self._rows(), *writes]

    async def _ground(self, at_once: dict[Any, Any]) -> Overlay:
        room_id = self._drafts[0].room_id
        if room_id not in at_once:
            if self.founding is None:
                at_once[room_id] = Overlay(await self._log.history.states.of(room_id))
            else:
                version = VERSIONS[self.founding.version]
                at_once[room_id] = Overlay(RoomState(room_id, version, self.founding.type))
        ground: Overlay = at_once[room_id]
        return ground

    async def _accept(self, draft: Draft, position: int, overlay: Overlay) -> list[Write]:
        access.check(overlay, draft)
        previous = overlay.get(draft.type, draft.state_key) if draft.state_key is not None else None
        if previous is not None and not self.founding and _is_same(previous, draft):
            raise Unchanged(previous)
        for screen in self._log.screens:
            screen(overlay, draft)
        event = self._log.event(draft, position, previous)
        writes = await self._log.relate(event, self.events)
        if event.rel_type == "m.annotation":
            await reactions.check_new(self._log.history, event, overlay)
        if draft.redacts is not None:
            writes += await self._redact(draft, event, overlay)
        overlay.set(event)
        self.events.append(event)
        return writes

    async def _redact(self, draft: Draft, event: Event, overlay: Overlay) -> list[Write]:
        target = await self._log.history.event(draft.room_id, draft.redacts or "")
        if not access.may_redact(overlay, draft.sender, target):
            raise Forbidden("You may not remove other people's messages in this room.")
        if target.redacted_by is not None:
            return []
        self.redactions.append((target, event))
        content, unsigned = _without_content(overlay, target, event)
        where = {"shard": target.shard, "event_id": target.event_id}
        writes: list[Write] = [
            sql(REDACT, content=content, unsigned=unsigned, redacted_by=event.event_id, **where)
        ]
        if target.state_key is not None:
            writes.append(
                sql(
                    FORGET_PREVIOUS,
                    shard=target.shard,
                    unsigned=b"",
                    room_id=target.room_id,
                    type=target.type,
                    state_key=target.state_key,
                    position=target.position,
                )
            )
        return writes

    def _rows(self) -> list[Write]:
        writes: list[Write] = []
        if self.founding is not None:
            first, room = self.events[0], self.founding
            row = (
                first.shard,
                room.room_id,
                room.version,
                room.type,
                first.sender,
                first.ts,
            )
            writes.append(Insert("rooms", ROOM_COLUMNS, [row]))
        writes.append(Insert("events", COLUMNS, [event.row() for event in self.events]))
        if state := [_state_row(event) for event in self.events if event.state_key is not None]:
            writes.append(Insert("state", STATE_COLUMNS, state, NEW_STATE))
        return writes


class Log:
    """The log of one shard."""

    def __init__(
        self,
        database: Database,
        line: Line,
        history: History,
        feed: Feed,
        clock: Clock,
        *,
        server_name: str,
        screens: Sequence[Screen] = (),
    ) -> None:
        self.line = line
        self.history = history
        self.screens = screens
        self._database = database
        self._feed = feed
        self._clock = clock
        self._server_name = server_name
        self._sending: dict[str, asyncio.Future[Event]] = {}
        self._listeners: list[Callable[[int, Entry], None]] = []
        line.listen(self.announce, self.catch_up)

    def listen(self, listener: Callable[[int, Entry], None]) -> None:
        """Call `listener` with every entry that is committed here, after the commit."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Find the end of the line. The tail begins there."""
        await self.line.refresh()

    async def append(self, draft: Draft) -> Event:
        """Say it: checked, durable, announced. The same transaction id gives the same event.

        Raises Forbidden, BadJson, TooLarge, NotFound, Unavailable.
        """
        validate(draft)
        if draft.txn_id is None:
            return (await self.append_all([draft]))[0]
        draft.event_id = self._name(draft)
        if (sending := self._sending.get(draft.event_id)) is not None:
            return await asyncio.shield(sending)
        sending = asyncio.ensure_future(self._append_once(draft))
        self._sending[draft.event_id] = sending
        sending.add_done_callback(lambda _: self._sending.pop(draft.event_id or "", None))
        return await asyncio.shield(sending)

    async def _append_once(self, draft: Draft) -> Event:
        event_id = draft.event_id or ""
        if (event := await self.history.find(event_id)) is not None:
            return event
        try:
            return (await self.append_all([draft]))[0]
        except ConstraintViolated:  # another process was quicker with the same transaction
            if (event := await self.history.find(event_id)) is not None:
                return event
            raise

    async def append_all(
        self, drafts: Sequence[Draft], founding: Founding | None = None
    ) -> list[Event]:
        """Say several things in one room, all or none, in this order."""
        for draft in drafts:
            validate(draft)
        speech = Speech(self, drafts, founding)
        try:
            await self.line.append(speech)
        except Unchanged as unchanged:
            return [unchanged.event]
        return speech.events

    def announce(self, committed: Sequence[tuple[int, Entry]]) -> None:
        """After a commit of ours: remember, then ring."""
        events: list[Event] = []
        for number, entry in committed:
            if isinstance(entry, Speech):
                self._remember(entry)
                events += entry.events
            else:
                self._feed.entry(number, entry)
        self._feed.events(events)
        for number, entry in committed:
            for listener in self._listeners:
                listener(number, entry)

    def _remember(self, speech: Speech) -> None:
        states, tail = self.history.states, self.history.tail
        if speech.founding is not None:
            room = speech.founding
            state = RoomState(room.room_id, VERSIONS[room.version], room.type)
            newcomers = [e.state_key for e in speech.events if e.type == MEMBER and e.state_key]
            state.members.update(dict.fromkeys(newcomers))
            states.found(state)
        for event in speech.events:
            tail.add(event)
            states.apply(event)
        for target, because in speech.redactions:
            self._strike_out(target, because)

    def _strike_out(self, target: Event, because: Event) -> None:
        state = self.history.states.loaded(target.room_id)
        if state is None:
            return self._strike(target, because, VERSIONS["11"])
        known = {
            id(event): event for event in (target, self.history.tail.find(target.event_id)) if event
        }
        if target.state_key is not None:
            current = state.get(target.type, target.state_key)
            if current is not None and current.event_id == target.event_id:
                known[id(current)] = current
            for event in self.history.tail.after(target.room_id, self.history.tail.floor) or []:
                if (
                    event.type == target.type
                    and event.state_key == target.state_key
                    and event.unsigned
                ):
                    if event.position > target.position:
                        event.unsigned = b""
        for event in known.values():
            self._strike(event, because, state.version)

    def _strike(self, event: Event, because: Event, version: Any) -> None:
        content = msgspec.json.encode(redacted(version, event.type, event.decoded()))
        event.redact(content, because.event_id, encode(because, Reader()))

    async def catch_up(self, after: int, until: int) -> None:
        """Learn what other processes, or an earlier life of this one, have committed."""
        tail, states = self.history.tail, self.history.states
        if after == 0 or until - after > MOST_TO_CATCH_UP:
            tail.start(until)
            self._feed.number = until
            return self._feed.reset()
        rows = await self._database.all(SINCE, shard=self.line.shard, after=after, until=until)
        events = [Event.of(row) for row in rows]
        for event in events:
            tail.add(event)
            if event.state_key is not None or event.redacts is not None:
                states.forget(event.room_id)
            if event.redacts is not None and tail.find(event.redacts) is not None:
                tail.start(until)
        self._feed.events(events)
        self._feed.number = until

    async def load(self, overlay: Overlay, draft: Draft) -> None:
        """Have at hand the memberships that the rules will ask for."""
        users = {draft.sender}
        if draft.type == MEMBER and draft.state_key is not None:
            users.add(draft.state_key)
            if isinstance(voucher := draft.content.get("join_authorised_via_users_server"), str):
                users.add(voucher)
        base = overlay.base
        while isinstance(base, Overlay):
            base = base.base
        if missing := [user_id for user_id in users if user_id not in base.members]:
            if self.history.states.loaded(base.room_id) is base:
                await self.history.states.of(base.room_id, missing)
            else:
                base.members.update(dict.fromkeys(missing))

    def event(self, draft: Draft, position: int, previous: Event | None) -> Event:
        """The event that a draft becomes at `position`."""
        content = msgspec.json.encode(draft.content)
        rel_type, rel_to = relation(draft.content) if draft.state_key is None else (None, None)
        event = Event(
            shard=self.line.shard, position=position, room_id=draft.room_id,
            event_id=draft.event_id or ids.random_event_id(), type=draft.type,
            state_key=draft.state_key, sender=draft.sender, ts=self._clock.now(), content=content,
            unsigned=_previous(previous), redacts=draft.redacts, redacted_by=None,
            rel_type=rel_type, rel_to=rel_to, thread=None, related=0,
            device_id=draft.device_id, txn_id=draft.txn_id,
        )  # fmt: skip
        if len(event.head()) + len(event.room_id) > MAX_EVENT:
            raise TooLarge("An event may have at most 65,536 bytes.")
        return event

    async def relate(self, event: Event, siblings: Sequence[Event]) -> list[Write]:
        """Tie an event to its parent: what is no valid relation is none at all."""
        if event.rel_to is None:
            return []
        parent = await self.history.find(event.rel_to)
        if parent is None:
            event.thread = event.rel_to if event.rel_type == "m.thread" else None
            return []
        if parent.room_id != event.room_id:
            event.rel_type = event.rel_to = None
            return []
        if event.rel_type == "m.thread":
            if parent.rel_type is not None:
                raise MatrixError(
                    "A thread cannot start from a message that belongs to another one."
                )
            event.thread = parent.event_id
        else:
            event.thread = parent.thread
        if parent.related:
            return []
        parent.related = 1
        return [sql(MARK_RELATED, shard=event.shard, event_id=parent.event_id)]

    def _name(self, draft: Draft) -> str:
        return "$" + ids.digest(
            self._server_name, draft.sender, draft.device_id or "", draft.room_id, draft.type,
            draft.redacts or "", draft.txn_id or "",
        )  # fmt: skip


def validate(draft: Draft) -> None:
    """Raise BadJson or TooLarge for what no room may hold (spec: #size-limits, canonical JSON)."""
    for name, text in (("type", draft.type), ("state key", draft.state_key or "")):
        if "\0" in text:
            raise BadJson(f"The {name} may not contain NUL.")
        try:
            if len(text.encode()) > ids.MAX_LENGTH:
                raise TooLarge(f"The {name} may have at most {ids.MAX_LENGTH} bytes.")
        except UnicodeEncodeError:
            raise BadJson(f"The {name} is no valid Unicode.") from None
    _canonical(draft.content, 0)


def _canonical(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -TOO_BIG < value < TOO_BIG:
            raise BadJson("Integers in events lie between -(2^53)+1 and (2^53)-1.")
    elif kind is float:
        raise BadJson("Events hold no fractions: only whole numbers.")
    elif depth > DEEPEST:
        raise BadJson("The JSON is nested too deeply.")
    else:
        for inner in value.values() if kind is dict else value:
            _canonical(inner, depth + 1)


def _is_same(previous: Event, draft: Draft) -> bool:
    return previous.sender == draft.sender and previous.decoded() == draft.content


def _previous(previous: Event | None) -> bytes:
    if previous is None:
        return b""
    return b"".join(
        (
            b',"prev_content":', previous.content,
            b',"prev_sender":', msgspec.json.encode(previous.sender),
            b',"replaces_state":"', previous.event_id.encode(), b'"',
        )
    )  # fmt: skip


def _without_content(overlay: Overlay, target: Event, because: Event) -> tuple[bytes, bytes]:
    content = msgspec.json.encode(redacted(overlay.version, target.type, target.decoded()))
    return content, b',"redacted_because":' + encode(because, Reader())


def _state_row(event: Event) -> tuple[Any, ...]:
    return (
        event.shard,
        event.room_id,
        event.type,
        event.state_key,
        event.position,
        event.membership,
    )
