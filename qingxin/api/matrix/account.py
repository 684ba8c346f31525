"""One's own account: who am I, another password, the end.

spec: client-server-api/#account-registration-and-management
"""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.uia import Confirmation, Proof
from qingxin.errors import MediumNotSupported, MissingParam, ThreepidDenied
from qingxin.people.accounts import Accounts
from qingxin.people.farewell import Farewell
from qingxin.people.passes import Passes
from qingxin.people.sessions import Sessions


class NewPassword(Struct, frozen=True):
    """Body of POST /account/password."""

    new_password: str | None = None
    logout_devices: bool | None = None
    auth: Proof | None = None


class Deactivation(Struct, frozen=True):
    """Body of POST /account/deactivate."""

    auth: Proof | None = None
    erase: bool | None = None


class OwnAccount:
    """What a member may do with the account they are signed in to."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        passes: Passes,
        confirmation: Confirmation,
        farewell: Farewell,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._passes = passes
        self._confirmation = confirmation
        self._farewell = farewell

    @route("GET", *also_r0("/_matrix/client/v3/account/whoami"))
    async def whoami(self, call: Call) -> dict[str, Any]:
        caller = call.caller
        return {"user_id": caller.user_id, "device_id": caller.device_id, "is_guest": False}

    @route("POST", *also_r0("/_matrix/client/v3/account/password"), who=Who.MAYBE, limit="account")
    async def change_password(self, call: Call) -> None:
        body = await call.json(NewPassword)
        user_id = await self._confirmation.owner(call, body.auth)
        if body.new_password is None:
            raise MissingParam("new_password is missing.")
        await self._accounts.set_password(user_id, body.new_password)
        await self._passes.void(user_id)
        if body.logout_devices is not False:
            caller = call.maybe_caller
            await self._sessions.end_all(user_id, but=caller.device_id if caller else None)

    @route(
        "POST", *also_r0("/_matrix/client/v3/account/deactivate"), who=Who.MAYBE, limit="account"
    )
    async def deactivate(self, call: Call) -> dict[str, Any]:
        body = await call.json(Deactivation, empty=True)
        user_id = await self._confirmation.owner(call, body.auth)
        await self._farewell.close(user_id, erase=bool(body.erase))
        return {"id_server_unbind_result": "success"}

    @route("GET", *also_r0("/_matrix/client/v3/account/3pid"))
    async def contacts(self, call: Call) -> dict[str, Any]:
        return {"threepids": []}

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/account/3pid"),
        *also_r0("/_matrix/client/v3/account/3pid/add"),
        *also_r0("/_matrix/client/v3/account/3pid/bind"),
        limit="account",
    )
    async def add_contact(self, call: Call) -> None:
        raise ThreepidDenied

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/account/3pid/delete"),
        *also_r0("/_matrix/client/v3/account/3pid/unbind"),
        limit="account",
    )
    async def remove_contact(self, call: Call) -> dict[str, Any]:
        return {"id_server_unbind_result": "no-support"}

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/account/3pid/email/requestToken"),
        *also_r0("/_matrix/client/v3/account/3pid/msisdn/requestToken"),
        who=Who.ANYONE,
        limit="register",
    )
    async def request_token_to_add(self, call: Call) -> None:
        raise MediumNotSupported

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/account/password/email/requestToken"),
        *also_r0("/_matrix/client/v3/account/password/msisdn/requestToken"),
        who=Who.ANYONE,
        limit="register",
    )
    async def request_token_to_reset(self, call: Call) -> None:
        raise ThreepidDenied
