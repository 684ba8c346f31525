"""What people say about themselves (spec: client-server-api/#profiles)."""

from collections.abc import Awaitable, Callable
from typing import Any

from qingxin import ids
from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import Forbidden, InvalidParam, MissingParam, NotFound
from qingxin.people.accounts import Accounts
from qingxin.people.profiles import IN_MEMBER_EVENTS, Profiles

PROFILE = also_r0("/_matrix/client/v3/profile/{user_id}")
FIELD = also_r0("/_matrix/client/v3/profile/{user_id}/{field}")


class ProfileEndpoints:
    """Anyone reads a profile, its owner changes it.

    `on_change` is told who changed their name or avatar, to bring their rooms up to date.
    """

    def __init__(
        self,
        profiles: Profiles,
        accounts: Accounts,
        on_change: Callable[[str], Awaitable[None]],
    ) -> None:
        self._profiles = profiles
        self._accounts = accounts
        self._on_change = on_change

    @route("GET", *PROFILE, who=Who.ANYONE)
    async def all(self, call: Call, user_id: str) -> dict[str, Any]:
        await self._check_known(user_id)
        return await self._profiles.of(user_id)

    @route("GET", *FIELD, who=Who.ANYONE)
    async def one(self, call: Call, user_id: str, field: str) -> dict[str, Any]:
        await self._check_known(user_id)
        return {field: await self._profiles.field(user_id, field)}

    @route("PUT", *FIELD, limit="profile")
    async def set(self, call: Call, user_id: str, field: str) -> None:
        body = await call.json(dict[str, Any])
        _check_own(call, user_id)
        if field not in body:
            raise MissingParam(f"The body lacks {field}.")
        if await self._profiles.set(user_id, field, body[field]) and field in IN_MEMBER_EVENTS:
            await self._on_change(user_id)

    @route("DELETE", *FIELD, limit="profile")
    async def remove(self, call: Call, user_id: str, field: str) -> None:
        _check_own(call, user_id)
        if await self._profiles.remove(user_id, field) and field in IN_MEMBER_EVENTS:
            await self._on_change(user_id)

    async def _check_known(self, user_id: str) -> None:
        """Raises InvalidParam, NotFound. A closed account has no profile to show."""
        if not ids.is_user_id(user_id):
            raise InvalidParam(f"{user_id} is no user id.")
        if not await self._accounts.active(user_id):
            raise NotFound("There is no such user here.")


def _check_own(call: Call, user_id: str) -> None:
    if not ids.is_user_id(user_id):
        raise InvalidParam(f"{user_id} is no user id.")
    if user_id != call.caller.user_id:
        raise Forbidden("You can change only your own profile.")
