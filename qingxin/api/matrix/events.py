"""Saying something in a room: messages, state, redactions.

spec: client-server-api/#sending-events-to-a-room
"""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Draft
from qingxin.rooms.directory import Directory
from qingxin.rooms.membership import Membership

ROOM = "/_matrix/client/v3/rooms/{room_id}"
STATE = f"{ROOM}/state/{{event_type}}"


class RedactReason(Struct, frozen=True):
    """Body of PUT /redact."""

    reason: str | None = None


class EventEndpoints:
    """Sends."""

    def __init__(self, log: Log, directory: Directory, membership: Membership) -> None:
        self._log = log
        self._directory = directory
        self._membership = membership

    @route("PUT", *also_r0(f"{ROOM}/send/{{event_type}}/{{txn_id}}"), limit="send")
    async def send(self, call: Call, room_id: str, event_type: str, txn_id: str) -> bytes:
        content = await call.json(dict[str, Any])
        redacts = content.get("redacts") if event_type == "m.room.redaction" else None
        event = await self._log.append(
            Draft(
                room_id=room_id,
                sender=call.caller.user_id,
                type=event_type,
                content=content,
                redacts=redacts if isinstance(redacts, str) else None,
                device_id=call.caller.device_id,
                txn_id=txn_id,
            )
        )
        return sent(event.event_id)

    @route("PUT", *also_r0(f"{ROOM}/redact/{{event_id}}/{{txn_id}}"), limit="redact")
    async def redact(self, call: Call, room_id: str, event_id: str, txn_id: str) -> bytes:
        body = await call.json(RedactReason, empty=True)
        state = await self._log.history.states.of(room_id)
        content: dict[str, Any] = {"reason": body.reason} if body.reason is not None else {}
        if state.version.modern_redaction:
            content["redacts"] = event_id
        event = await self._log.append(
            Draft(
                room_id=room_id,
                sender=call.caller.user_id,
                type="m.room.redaction",
                content=content,
                redacts=event_id,
                device_id=call.caller.device_id,
                txn_id=txn_id,
            )
        )
        return sent(event.event_id)

    @route("PUT", *also_r0(STATE), *also_r0(f"{STATE}/"), limit="state")
    async def set_unkeyed(self, call: Call, room_id: str, event_type: str) -> bytes:
        return await self.set_state(call, room_id, event_type, "")

    @route("PUT", *also_r0(f"{STATE}/{{state_key}}"), limit="state")
    async def set_state(self, call: Call, room_id: str, event_type: str, state_key: str) -> bytes:
        content = await call.json(dict[str, Any])
        sender = call.caller.user_id
        if event_type == MEMBER:
            event = await self._membership.change(room_id, sender, state_key, content)
            return sent(event.event_id)
        if event_type == "m.room.canonical_alias" and state_key == "":
            await self._directory.check_claims(room_id, content)
        event = await self._log.append(
            Draft(
                room_id=room_id,
                sender=sender,
                type=event_type,
                state_key=state_key,
                content=content,
            )
        )
        return sent(event.event_id)


def sent(event_id: str) -> bytes:
    return b'{"event_id":"%s"}' % event_id.encode()
