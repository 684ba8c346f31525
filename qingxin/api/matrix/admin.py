"""Moderators' view of an account (spec: client-server-api/#server-administration)."""

from typing import Any

from msgspec import Struct

from qingxin import ids
from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import Forbidden, InvalidParam, NotFound
from qingxin.people.accounts import Account, Accounts
from qingxin.people.devices import Devices
from qingxin.people.sessions import Sessions
from qingxin.people.sightings import Sighting, Sightings


class Lock(Struct, frozen=True):
    """Body of PUT /admin/lock/{userId}, and what GET answers."""

    locked: bool


class Suspension(Struct, frozen=True):
    """Body of PUT /admin/suspend/{userId}, and what GET answers."""

    suspended: bool


class AdminEndpoints:
    """Looks accounts up, locks and suspends them."""

    def __init__(
        self, accounts: Accounts, sessions: Sessions, devices: Devices, sightings: Sightings
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._devices = devices
        self._sightings = sightings

    @route("GET", *also_r0("/_matrix/client/v3/admin/whois/{user_id}"))
    async def whois(self, call: Call, user_id: str) -> dict[str, Any]:
        if user_id != call.caller.user_id and not call.caller.moderator:
            raise Forbidden("Only moderators may look others up.")
        if not await self._accounts.exists(user_id):
            raise NotFound("There is no such user here.")
        seen = await self._sightings.of(user_id)
        return {
            "user_id": user_id,
            "devices": {
                device.device_id: {
                    "sessions": [{"connections": _connections(seen.get(device.device_id))}]
                }
                for device in await self._devices.of(user_id)
            },
        }

    @route("GET", "/_matrix/client/v1/admin/lock/{user_id}", who=Who.MODERATOR)
    async def locked(self, call: Call, user_id: str) -> Lock:
        return Lock((await self._target(call, user_id)).locked)

    @route("PUT", "/_matrix/client/v1/admin/lock/{user_id}", who=Who.MODERATOR, limit="account")
    async def lock(self, call: Call, user_id: str) -> Lock:
        wish = await call.json(Lock)
        await self._target(call, user_id, change=True)
        await self._accounts.mark(user_id, locked=wish.locked)
        self._sessions.changed(user_id)
        return wish

    @route("GET", "/_matrix/client/v1/admin/suspend/{user_id}", who=Who.MODERATOR)
    async def suspended(self, call: Call, user_id: str) -> Suspension:
        return Suspension((await self._target(call, user_id)).suspended)

    @route("PUT", "/_matrix/client/v1/admin/suspend/{user_id}", who=Who.MODERATOR, limit="account")
    async def suspend(self, call: Call, user_id: str) -> Suspension:
        wish = await call.json(Suspension)
        await self._target(call, user_id, change=True)
        await self._accounts.mark(user_id, suspended=wish.suspended)
        self._sessions.changed(user_id)
        return wish

    async def _target(self, call: Call, user_id: str, *, change: bool = False) -> Account:
        """Whose account it is about. Raises InvalidParam, NotFound, Forbidden."""
        if not ids.is_user_id(user_id) or ids.server_of(user_id) != self._accounts.server_name:
            raise InvalidParam("This is no user of this server.")
        if change and user_id == call.caller.user_id:
            raise Forbidden("This is your own account.")
        account = await self._accounts.find(user_id)
        if account is None or account.closed:
            raise NotFound("There is no such user here.")
        if account.moderator and user_id != call.caller.user_id:
            raise Forbidden("Moderators have no say over one another here.")
        return account


def _connections(sighting: Sighting | None) -> list[dict[str, Any]]:
    if sighting is None:
        return []
    return [{"ip": sighting.address, "last_seen": sighting.seen, "user_agent": sighting.agent}]
