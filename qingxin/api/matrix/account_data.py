"""What people keep for themselves on the server, and how they tag rooms.

spec: client-server-api/#client-config, #room-tagging
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from qingxin.api.http import Call, decode, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.errors import Forbidden, InvalidParam, NotFound, ServerControlled
from qingxin.people.preferences import LARGEST, Preferences

OWN = also_r0("/_matrix/client/v3/user/{user_id}/account_data/{type}")
OF_ROOM = also_r0("/_matrix/client/v3/user/{user_id}/rooms/{room_id}/account_data/{type}")
TAGS = also_r0("/_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags")
TAG = also_r0("/_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags/{tag}")

SERVER_CONTROLLED = frozenset({"m.fully_read", "m.push_rules"})
LONGEST_TAG = 255  # bytes

Shown = Callable[[str], Awaitable[bytes]]


class Tagging(Struct, frozen=True):
    """Body of PUT …/tags/{tag}, as far as it is checked."""

    order: float | UnsetType = UNSET


class AccountDataEndpoints:
    """Everybody reads and writes only their own.

    `shown` gives the content of types that are put together from what is stored.
    """

    def __init__(self, preferences: Preferences, shown: Mapping[str, Shown] | None = None) -> None:
        self._preferences = preferences
        self._shown = shown or {}

    @route("GET", *OWN)
    async def get(self, call: Call, user_id: str, type: str) -> bytes:
        check_own(call, user_id)
        if (shown := self._shown.get(type)) is not None:
            return await shown(user_id)
        return _found(await self._preferences.get(user_id, type))

    @route("PUT", *OWN, limit="preferences")
    async def put(self, call: Call, user_id: str, type: str) -> None:
        check_own(call, user_id)
        await self._preferences.put(user_id, type, await _content(call, type))

    @route("GET", *OF_ROOM)
    async def get_of_room(self, call: Call, user_id: str, room_id: str, type: str) -> bytes:
        check_own(call, user_id)
        _check_room(room_id)
        return _found(await self._preferences.get(user_id, type, room_id=room_id))

    @route("PUT", *OF_ROOM, limit="preferences")
    async def put_of_room(self, call: Call, user_id: str, room_id: str, type: str) -> None:
        check_own(call, user_id)
        _check_room(room_id)
        await self._preferences.put(user_id, type, await _content(call, type), room_id=room_id)

    @route("GET", *TAGS)
    async def tags(self, call: Call, user_id: str, room_id: str) -> dict[str, Any]:
        check_own(call, user_id)
        _check_room(room_id)
        return {"tags": await self._preferences.tags(user_id, room_id)}

    @route("PUT", *TAG, limit="preferences")
    async def tag(self, call: Call, user_id: str, room_id: str, tag: str) -> None:
        check_own(call, user_id)
        _check_room(room_id)
        if len(tag.encode()) > LONGEST_TAG:
            raise InvalidParam(f"A tag may have at most {LONGEST_TAG} bytes.")
        body = await call.body(LARGEST)
        decode(body, Tagging)
        await self._preferences.tag(user_id, room_id, tag, decode(body, dict[str, Any]))

    @route("DELETE", *TAG, limit="preferences")
    async def untag(self, call: Call, user_id: str, room_id: str, tag: str) -> None:
        check_own(call, user_id)
        _check_room(room_id)
        await self._preferences.untag(user_id, room_id, tag)


def check_own(call: Call, user_id: str) -> None:
    if user_id != call.caller.user_id:
        raise Forbidden("This belongs to somebody else.")


def _check_room(room_id: str) -> None:
    if not room_id.startswith("!"):
        raise InvalidParam(f"{room_id} is no room id.")
    check_text(room_id, "A room id")


async def _content(call: Call, type: str) -> bytes:
    """The body, which has to be an object. Raises ServerControlled, NotJson, BadJson."""
    if type in SERVER_CONTROLLED:
        raise ServerControlled
    check_text(type, "A type")
    body = await call.body(LARGEST)
    decode(body, dict[str, Any])
    return body


def _found(content: bytes | None) -> bytes:
    if content is None:
        raise NotFound("You keep nothing of that type.")
    return content
