"""Reading a room's state and members (spec: client-server-api/#getting-events-for-a-room)."""

from typing import Any

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.clock import Clock
from qingxin.errors import Forbidden, NotFound
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Event, Reader, encode
from qingxin.log.sight import Sight
from qingxin.sync.token import Token

ROOM = "/_matrix/client/v3/rooms/{room_id}"
STATE = f"{ROOM}/state/{{event_type}}"
FACE = {"displayname": "display_name", "avatar_url": "avatar_url"}  # as kept, as shown
MEMBERSHIPS = ("join", "invite", "knock", "leave", "ban")


class StateEndpoints:
    """Shows state to members as it is, and to those who have left as it was then."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self._history = log.history
        self._states = log.history.states
        self._clock = clock

    @route("GET", *also_r0(f"{ROOM}/state"))
    async def state(self, call: Call, room_id: str) -> bytes:
        until = await self._until(room_id, call.caller.user_id)
        if until is None:
            events = await self._history.state_now(room_id)
        else:
            events = await self._history.state_at(room_id, until)
        return self._array(call, events)

    @route("GET", *also_r0(STATE), *also_r0(f"{STATE}/"))
    async def unkeyed(self, call: Call, room_id: str, event_type: str) -> bytes:
        return await self.keyed(call, room_id, event_type, "")

    @route("GET", *also_r0(f"{STATE}/{{state_key}}"))
    async def keyed(self, call: Call, room_id: str, event_type: str, state_key: str) -> bytes:
        until = await self._until(room_id, call.caller.user_id)
        whole_event = call.choice("format", ("content", "event"), "content") == "event"
        users = (state_key,) if event_type == MEMBER else ()
        event = (await self._states.of(room_id, users)).get(event_type, state_key)
        if until is not None and event is not None and event.position > until:
            earlier = await self._history.last_of_each(room_id, [(event_type, state_key)], until)
            event = earlier[0] if earlier else None
        if event is None:
            raise NotFound(f"This room has no {event_type} of that key.")
        return self._encoded(call, event) if whole_event else event.content

    @route("GET", *also_r0(f"{ROOM}/members"))
    async def members(self, call: Call, room_id: str) -> bytes:
        until = await self._until(room_id, call.caller.user_id)
        wanted = call.choice("membership", MEMBERSHIPS)
        unwanted = call.choice("not_membership", MEMBERSHIPS)
        if (at := call.query("at")) is not None:
            position = Token.parse(at).position
            until = position if until is None else min(until, position)
        if until is None:
            events = await self._history.members_now(room_id)
        else:
            events = await self._history.members_at(room_id, until)
        chosen = [
            e
            for e in events
            if (wanted is None and unwanted is None)
            or (wanted is not None and e.membership == wanted)
            or (unwanted is not None and e.membership != unwanted)
        ]
        return b'{"chunk":%s}' % self._array(call, chosen)

    @route("GET", *also_r0(f"{ROOM}/joined_members"))
    async def joined_members(self, call: Call, room_id: str) -> dict[str, Any]:
        state = await self._states.of(room_id, (call.caller.user_id,))
        if state.membership(call.caller.user_id) != "join":
            raise Forbidden("You are not in this room.")
        joined = {}
        for event in await self._history.members_now(room_id):
            if event.membership == "join":
                content = event.decoded()
                joined[event.state_key] = {
                    shown: content[name]
                    for name, shown in FACE.items()
                    if isinstance(content.get(name), str)
                }
        return {"joined": joined}

    async def _until(self, room_id: str, user_id: str) -> int | None:
        """Up to where this user may see the state; None: as it is now. Raises Forbidden."""
        try:
            sight = await self._history.sight(room_id, user_id)
        except NotFound:
            raise Forbidden("You are not in this room.") from None
        return readable_until(sight)

    def _encoded(self, call: Call, event: Event) -> bytes:
        reader = Reader(call.caller.user_id, call.caller.device_id, self._clock.now())
        return encode(event, reader)

    def _array(self, call: Call, events: list[Event]) -> bytes:
        return b"[" + b",".join(self._encoded(call, event) for event in events) + b"]"


def readable_until(sight: Sight) -> int | None:
    """The last position this reader may see; None: there is no end. Raises Forbidden."""
    if sight.membership == "join":
        return None
    if sight.visibility and sight.visibility[-1][1] == "world_readable":
        return None
    inside = [at for at, value in sight.memberships if value == "join"]
    if not inside:
        raise Forbidden("You are not in this room.")
    return min(at for at, value in sight.memberships if at > inside[-1] and value != "join")
