"""Who is here, asked and told outright (spec: client-server-api/#presence)."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.errors import Forbidden, NotFound
from qingxin.people.accounts import Accounts
from qingxin.people.presence import Presence

STATUS = also_r0("/_matrix/client/v3/presence/{user_id}/status")
LONGEST_MESSAGE = 1000  # letters


class Mood(Struct, frozen=True):
    """Body of PUT /presence/{userId}/status."""

    presence: Literal["online", "offline", "unavailable"]
    status_msg: str | None = None


class PresenceEndpoints:
    """`may_see(asker, other)` says who is close enough to be told."""

    def __init__(
        self,
        presence: Presence,
        accounts: Accounts,
        may_see: Callable[[str, str], Awaitable[bool]],
    ) -> None:
        self._presence = presence
        self._accounts = accounts
        self._may_see = may_see

    @route("GET", *STATUS)
    async def get(self, call: Call, user_id: str) -> dict[str, Any]:
        asker = call.caller.user_id
        if user_id != asker:
            if not await self._accounts.active(user_id):
                raise NotFound("There is no such user here.")
            if not await self._may_see(asker, user_id):
                raise Forbidden("You are not allowed to see their presence.")
        return self._presence.content(self._presence.of(user_id))

    @route("PUT", *STATUS, limit="presence")
    async def set(self, call: Call, user_id: str) -> None:
        mood = await call.json(Mood)
        if user_id != call.caller.user_id:
            raise Forbidden("You can say only of yourself how you are.")
        check_text(mood.status_msg, "status_msg", LONGEST_MESSAGE)
        self._presence.set(user_id, mood.presence, mood.status_msg, call.caller.device_id)
