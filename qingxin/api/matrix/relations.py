"""What refers to an event, and the threads of a room.

spec: client-server-api/#relationships-api, #querying-threads-in-a-room
"""

import msgspec

from qingxin.api.http import Call, route
from qingxin.api.matrix.timeline import Past, TimelineEndpoints
from qingxin.log.append import Log
from qingxin.log.event import Event
from qingxin.sync.token import Token

EVENT = "/_matrix/client/v1/rooms/{room_id}/relations/{event_id}"
UNSTABLE = "/_matrix/client/unstable/rooms/{room_id}/relations/{event_id}"
MOST = 1000
DEEPEST = 3  # levels of relations that `recurse` follows


class RelationEndpoints:
    """Children of events."""

    def __init__(self, log: Log, timeline: TimelineEndpoints) -> None:
        self._log = log
        self._history = log.history
        self._timeline = timeline

    @route("GET", EVENT, UNSTABLE)
    async def all(self, call: Call, room_id: str, event_id: str) -> bytes:
        return await self._relations(call, room_id, event_id, None, None)

    @route("GET", f"{EVENT}/{{rel_type}}", f"{UNSTABLE}/{{rel_type}}")
    async def of_type(self, call: Call, room_id: str, event_id: str, rel_type: str) -> bytes:
        return await self._relations(call, room_id, event_id, rel_type, None)

    @route("GET", f"{EVENT}/{{rel_type}}/{{event_type}}", f"{UNSTABLE}/{{rel_type}}/{{event_type}}")
    async def of_both(
        self, call: Call, room_id: str, event_id: str, rel_type: str, event_type: str
    ) -> bytes:
        return await self._relations(call, room_id, event_id, rel_type, event_type)

    async def _relations(
        self, call: Call, room_id: str, event_id: str, rel_type: str | None, type: str | None
    ) -> bytes:
        past = await self._timeline.past(call, room_id)
        await self._timeline.visible(past, room_id, event_id)
        backwards = call.choice("dir", ("b", "f"), "b") == "b"
        limit = call.number("limit", 50, least=1, most=MOST)
        depth = DEEPEST if call.flag("recurse") else 1
        children = await self._children(past, room_id, event_id, depth)
        chosen = [e for e in children if rel_type in (None, e.rel_type) and type in (None, e.type)]
        page, more = _page(call, chosen, backwards, limit)
        parts = [b'{"chunk":[%s]' % b",".join(await past.encoded(page))]
        if more:
            end = page[-1].position - 1 if backwards else page[-1].position
            parts.append(b',"next_batch":"%s"' % str(Token(end)).encode())
        if given := call.query("from"):
            parts.append(b',"prev_batch":%s' % msgspec.json.encode(given))
        if depth > 1:
            parts.append(b',"recursion_depth":%d' % depth)
        return b"".join(parts) + b"}"

    async def _children(self, past: Past, room_id: str, event_id: str, depth: int) -> list[Event]:
        """The events that refer to this one, and with more depth those that refer to them."""
        found: dict[str, Event] = {}
        parents = [event_id]
        for _ in range(depth):
            level = await self._history.related(room_id, parents)
            new = [e for e in level if e.event_id not in found and past.shows(e)]
            found |= {e.event_id: e for e in new}
            parents = [e.event_id for e in new if e.related]
            if not parents:
                break
        return sorted(found.values(), key=lambda event: event.position)

    @route("GET", "/_matrix/client/v1/rooms/{room_id}/threads")
    async def threads(self, call: Call, room_id: str) -> bytes:
        past = await self._timeline.past(call, room_id)
        limit = call.number("limit", 20, least=1, most=100)
        mine_only = call.choice("include", ("all", "participated"), "all") == "participated"
        given = call.query("from")
        until = Token.parse(given).position if given else self._log.line.number
        roots: list[Event] = []
        while True:
            found = await self._history.threads(room_id, until, limit + 1)
            for root, last in found[:limit]:
                if len(roots) < limit and await self._is_wanted(past, root, mine_only):
                    roots.append(root)
                until = last - 1
            more = len(found) > limit
            if not more or len(roots) >= limit or not found:
                break
        chunk = b",".join(await past.encoded(roots)) if roots else b""
        end = b',"next_batch":"%s"' % str(Token(max(until, 0))).encode() if more else b""
        return b'{"chunk":[%s]%s}' % (chunk, end)

    async def _is_wanted(self, past: Past, root: Event, mine_only: bool) -> bool:
        if not past.shows(root):
            return False
        me = past.reader.user_id
        if not mine_only or root.sender == me:
            return True
        return bool(await self._history.wrote_in(root.room_id, [root.event_id], me))


def _page(call: Call, events: list[Event], backwards: bool, limit: int) -> tuple[list[Event], bool]:
    """One page out of all, by the tokens of the query; whether there is more."""
    given, to = call.query("from"), call.query("to")
    if backwards:
        events = events[::-1]
    if given is not None:
        start = Token.parse(given).position
        events = [e for e in events if (e.position <= start if backwards else e.position > start)]
    if to is not None:
        stop = Token.parse(to).position
        events = [e for e in events if (e.position > stop if backwards else e.position <= stop)]
    return events[:limit], len(events) > limit
