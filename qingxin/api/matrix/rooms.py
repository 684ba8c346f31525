"""Making rooms, entering and leaving them (spec: client-server-api/#rooms)."""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import MissingParam
from qingxin.log.append import Log
from qingxin.rooms.create import Rooms, Wish
from qingxin.rooms.directory import Directory
from qingxin.rooms.membership import Membership

V3 = "/_matrix/client/v3"
ROOM = f"{V3}/rooms/{{room_id}}"


class Reason(Struct, frozen=True):
    """Body of join, leave and knock."""

    reason: str | None = None


class Target(Struct, frozen=True):
    """Body of invite, kick, ban and unban."""

    user_id: str | None = None
    reason: str | None = None


class RoomEndpoints:
    """Who is where."""

    def __init__(
        self, log: Log, rooms: Rooms, membership: Membership, directory: Directory
    ) -> None:
        self._history = log.history
        self._rooms = rooms
        self._membership = membership
        self._directory = directory

    @route("POST", *also_r0(f"{V3}/createRoom"), limit="create")
    async def create(self, call: Call) -> dict[str, Any]:
        wish = await call.json(Wish, empty=True)
        return {"room_id": await self._rooms.create(call.caller.user_id, wish)}

    @route("POST", *also_r0(f"{V3}/join/{{room}}"), limit="join")
    async def join_by_name(self, call: Call, room: str) -> dict[str, Any]:
        return await self.join(call, await self._directory.resolve(room))

    @route("POST", *also_r0(f"{ROOM}/join"), limit="join")
    async def join(self, call: Call, room_id: str) -> dict[str, Any]:
        body = await call.json(Reason, empty=True)
        await self._membership.join(room_id, call.caller.user_id, reason=body.reason)
        return {"room_id": room_id}

    @route("POST", *also_r0(f"{V3}/knock/{{room}}"), limit="join")
    async def knock(self, call: Call, room: str) -> dict[str, Any]:
        body = await call.json(Reason, empty=True)
        room_id = await self._directory.resolve(room)
        await self._membership.knock(room_id, call.caller.user_id, reason=body.reason)
        return {"room_id": room_id}

    @route("POST", *also_r0(f"{ROOM}/leave"), limit="leave")
    async def leave(self, call: Call, room_id: str) -> None:
        body = await call.json(Reason, empty=True)
        await self._membership.leave(room_id, call.caller.user_id, reason=body.reason)

    @route("POST", *also_r0(f"{ROOM}/forget"), limit="leave")
    async def forget(self, call: Call, room_id: str) -> None:
        await self._membership.forget(room_id, call.caller.user_id)

    @route("POST", *also_r0(f"{ROOM}/invite"), limit="invite")
    async def invite(self, call: Call, room_id: str) -> None:
        user_id, reason = await _target(call)
        await self._membership.invite(room_id, call.caller.user_id, user_id, reason=reason)

    @route("POST", *also_r0(f"{ROOM}/kick"), limit="state")
    async def kick(self, call: Call, room_id: str) -> None:
        user_id, reason = await _target(call)
        await self._membership.kick(room_id, call.caller.user_id, user_id, reason=reason)

    @route("POST", *also_r0(f"{ROOM}/ban"), limit="state")
    async def ban(self, call: Call, room_id: str) -> None:
        user_id, reason = await _target(call)
        await self._membership.ban(room_id, call.caller.user_id, user_id, reason=reason)

    @route("POST", *also_r0(f"{ROOM}/unban"), limit="state")
    async def unban(self, call: Call, room_id: str) -> None:
        user_id, reason = await _target(call)
        await self._membership.unban(room_id, call.caller.user_id, user_id, reason=reason)

    @route("GET", *also_r0(f"{V3}/joined_rooms"))
    async def joined(self, call: Call) -> dict[str, Any]:
        return {"joined_rooms": await self._history.joined_rooms(call.caller.user_id)}


async def _target(call: Call) -> tuple[str, str | None]:
    body = await call.json(Target)
    if body.user_id is None:
        raise MissingParam("user_id is missing: whom do you mean?")
    return body.user_id, body.reason
