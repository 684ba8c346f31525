"""Reading the past: pages of messages, an event and what surrounds it, by time.

spec: client-server-api/#getting-events-for-a-room
"""

from collections.abc import Sequence
from typing import Any

from qingxin.api.http import Call, decode, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.state import readable_until
from qingxin.clock import Clock
from qingxin.errors import Forbidden, MissingParam, NotFound
from qingxin.log.append import Log
from qingxin.log.bundle import bundle
from qingxin.log.event import MEMBER, Event, Reader, encode
from qingxin.log.read import History
from qingxin.log.sight import Sight
from qingxin.people.preferences import Preferences
from qingxin.rooms.membership import Membership
from qingxin.sync.filters import RoomEvents
from qingxin.sync.fitting import fitting
from qingxin.sync.token import Token

ROOM = "/_matrix/client/v3/rooms/{room_id}"
MOST = 1000  # events in one answer
LOOKED_THROUGH = 20  # pages, at most, in search of what a filter takes


class Past:
    """What one caller sees of one room."""

    def __init__(
        self, history: History, sight: Sight, reader: Reader, ignored: frozenset[str]
    ) -> None:
        self.history = history
        self.sight = sight
        self.reader = reader
        self.ignored = ignored

    def shows(self, event: Event) -> bool:
        if event.sender in self.ignored and not event.is_state:
            return False
        return self.sight.sees(event)

    async def encoded(self, events: Sequence[Event]) -> list[bytes]:
        """These events of one room, with what others say about them."""
        hides = self.ignored or not self.sight.everything
        relations = await bundle(self.history, events, self.reader, self.shows if hides else None)
        return [
            encode(
                event,
                self.reader,
                relations=relations.get(event.event_id, b""),
                membership=self.sight.membership_at(event.position),
            )
            for event in events
        ]


class TimelineEndpoints:
    """Pages and single events."""

    def __init__(
        self, log: Log, membership: Membership, preferences: Preferences, clock: Clock
    ) -> None:
        self._log = log
        self._membership = membership
        self._history = log.history
        self._states = log.history.states
        self._preferences = preferences
        self._clock = clock

    @route("GET", *also_r0(f"{ROOM}/messages"))
    async def messages(self, call: Call, room_id: str) -> bytes:
        backwards = required_direction(call) == "b"
        wanted = room_filter(call)
        limit = call.number("limit", 10, least=0, most=MOST)
        past = await self.past(call, room_id)
        start, stop = await self._bounds(call, past, backwards)
        events, end, more = await self._page(past, room_id, wanted, start, stop, backwards, limit)
        encoded = await past.encoded(events)
        state = await self._members(past, room_id, events) if wanted.lazy_load_members else []
        parts = [b'{"start":"%s"' % str(Token(start)).encode()]
        parts.append(b',"chunk":[%s]' % b",".join(encoded))
        if more:
            parts.append(b',"end":"%s"' % str(Token(end)).encode())
        if state:
            parts.append(b',"state":[%s]' % b",".join(state))
        return b"".join(parts) + b"}"

    async def _bounds(self, call: Call, past: Past, backwards: bool) -> tuple[int, int]:
        given, until = call.query("from"), call.query("to")
        last = readable_until(past.sight)
        newest = self._log.line.number if last is None else last
        if given is not None:
            start = Token.parse(given).position
            start = min(start, newest) if backwards or last is not None else start
        else:
            start = newest if backwards else 0
        stop = Token.parse(until).position if until else (0 if backwards else newest)
        return start, (stop if backwards or last is None else min(stop, last))

    async def _page(
        self,
        past: Past,
        room_id: str,
        wanted: RoomEvents,
        start: int,
        stop: int,
        backwards: bool,
        limit: int,
    ) -> tuple[list[Event], int, bool]:
        """Up to `limit` events that pass, where they end, and whether there may be more."""
        found: list[Event] = []
        place = start
        for _ in range(LOOKED_THROUGH):
            size = max(limit - len(found), 1) if wanted.takes_everything else MOST
            page = await self._read(room_id, place, stop, backwards, size)
            taken = {event.event_id for event in await fitting(self._history, page, wanted)}
            for event in page:
                if len(found) == limit:
                    return found, place, True
                place = event.position - 1 if backwards else event.position
                if event.event_id in taken and past.shows(event):
                    found.append(event)
            if len(page) < size:
                return found, place, False
            if len(found) == limit:
                break
        return found, place, True

    async def _read(
        self, room_id: str, place: int, stop: int, backwards: bool, size: int
    ) -> list[Event]:
        if backwards:
            return await self._history.back(room_id, stop, place, size)
        return await self._history.forth(room_id, place, stop, size)

    async def _members(self, past: Past, room_id: str, events: Sequence[Event]) -> list[bytes]:
        """The senders' memberships, for those who load members lazily."""
        senders = list(dict.fromkeys(event.sender for event in events))
        state = await self._states.of(room_id, senders)
        members = [state.get(MEMBER, sender) for sender in senders]
        return [encode(event, past.reader) for event in members if event is not None]

    @route("GET", *also_r0(f"{ROOM}/event/{{event_id}}"))
    async def event(self, call: Call, room_id: str, event_id: str) -> bytes:
        past = await self.past(call, room_id, missing=NotFound)
        event = await self.visible(past, room_id, event_id)
        return (await past.encoded([event]))[0]

    @route("GET", *also_r0(f"{ROOM}/context/{{event_id}}"))
    async def context(self, call: Call, room_id: str, event_id: str) -> bytes:
        past = await self.past(call, room_id, missing=NotFound)
        event = await self.visible(past, room_id, event_id)
        wanted = room_filter(call)
        limit = call.number("limit", 10, least=0, most=MOST)
        at, last = event.position, self._log.line.number
        before, start, _ = await self._page(past, room_id, wanted, at - 1, -1, True, limit // 2)
        after, end, _ = await self._page(past, room_id, wanted, at, last, False, limit - limit // 2)
        state = await self._history.state_at(room_id, after[-1].position if after else at)
        if wanted.lazy_load_members:
            senders = {e.sender for e in (*before, event, *after)}
            state = [e for e in state if e.type != MEMBER or e.state_key in senders]
        lists = {
            b"events_before": await past.encoded(before),
            b"events_after": await past.encoded(after),
            b"state": [encode(e, past.reader) for e in state],
        }
        parts = [b'"%s":[%s]' % (name, b",".join(encoded)) for name, encoded in lists.items()]
        parts.append(b'"event":' + (await past.encoded([event]))[0])
        parts.append(b'"start":"%s"' % str(Token(max(start, 0))).encode())
        parts.append(b'"end":"%s"' % str(Token(end)).encode())
        return b"{" + b",".join(parts) + b"}"

    @route(
        "GET",
        "/_matrix/client/v1/rooms/{room_id}/timestamp_to_event",
        "/_matrix/client/unstable/org.matrix.msc3030/rooms/{room_id}/timestamp_to_event",
    )
    async def at_time(self, call: Call, room_id: str) -> dict[str, Any]:
        if call.query("ts") is None:
            raise MissingParam("ts is missing: the time in milliseconds since 1970.")
        ts = call.number("ts", 0)
        forwards = required_direction(call) == "f"
        past = await self.past(call, room_id)
        event = await self._history.nearest(room_id, ts, forwards)
        if event is None or not past.sight.sees(event):
            raise NotFound("There is no event on that side of that time.")
        return {"event_id": event.event_id, "origin_server_ts": event.ts}

    async def past(self, call: Call, room_id: str, missing: type[Exception] = Forbidden) -> Past:
        """What the caller may see of a room. Raises Forbidden, or `missing` for no such room."""
        caller = call.caller
        try:
            sight = await self._history.sight(room_id, caller.user_id)
        except NotFound:
            raise missing("You are not in this room.") from None
        readable_until(sight)
        await self._check_remembered(room_id, sight)
        reader = Reader(caller.user_id, caller.device_id, self._clock.now())
        ignored = await self._preferences.ignored(caller.user_id)
        return Past(self._history, sight, reader, ignored)

    async def _check_remembered(self, room_id: str, sight: Sight) -> None:
        """A room that was left and forgotten stays so (spec: #leaving-rooms). Raises Forbidden."""
        if sight.membership == "join" or not sight.memberships:
            return
        forgotten = await self._membership.forgotten(sight.user_id)
        if forgotten.get(room_id, -1) >= sight.memberships[-1][0]:
            raise Forbidden("You have forgotten this room.")

    async def visible(self, past: Past, room_id: str, event_id: str) -> Event:
        """An event that the caller may see. Raises NotFound."""
        event = await self._history.event(room_id, event_id)
        if not past.sight.sees(event):
            raise NotFound("There is no such event in this room.")
        return event


def required_direction(call: Call) -> str:
    if (direction := call.choice("dir", ("b", "f"))) is None:
        raise MissingParam("dir is missing: b for backwards, f for forwards.")
    return direction


def room_filter(call: Call) -> RoomEvents:
    """The `filter` of the query. Raises BadRequest."""
    text = call.query("filter")
    return decode(text.encode(), RoomEvents) if text else RoomEvents()
