"""Proving to somebody else who one is (spec: client-server-api/#openid).

Other services exchange the token for a user id at the address of the Server-Server API.
"""

from typing import Any

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import Forbidden, MissingToken, UnknownToken
from qingxin.people.passes import OPENID, Passes

LASTS = 3600  # seconds


class OpenIdEndpoints:
    """Issues tokens that say who somebody is and do nothing else."""

    def __init__(self, passes: Passes, server_name: str) -> None:
        self._passes = passes
        self._server_name = server_name

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/user/{user_id}/openid/request_token"),
        limit="account",
    )
    async def issue(self, call: Call, user_id: str) -> dict[str, Any]:
        if user_id != call.caller.user_id:
            raise Forbidden("You can prove only who you are yourself.")
        return {
            "access_token": await self._passes.issue(OPENID, user_id, LASTS * 1000),
            "token_type": "Bearer",
            "matrix_server_name": self._server_name,
            "expires_in": LASTS,
        }

    @route("GET", "/_matrix/federation/v1/openid/userinfo", who=Who.ANYONE)
    async def owner(self, call: Call) -> dict[str, Any]:
        if not (token := call.query("access_token")):
            raise MissingToken
        if (user_id := await self._passes.holder(OPENID, token)) is None:
            raise UnknownToken("This token is not, or no longer, valid.")
        return {"sub": user_id}
