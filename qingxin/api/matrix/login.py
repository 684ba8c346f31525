"""Signing in and out, and staying signed in.

spec: client-server-api/#login, #refreshing-access-tokens
"""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.credentials import Credentials, Identifier, session_body
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.api.matrix.uia import Confirmation, Proven
from qingxin.errors import (
    BadRequest,
    Forbidden,
    MissingParam,
    UserDeactivated,
    UserLocked,
)
from qingxin.people.accounts import Accounts
from qingxin.people.passes import LOGIN, Passes
from qingxin.people.sessions import Sessions

PASS_LASTS = 120_000  # ms; recommended by POST /login/get_token


class Login(Struct, frozen=True):
    """Body of POST /login."""

    type: str
    identifier: Identifier | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None
    device_id: str | None = None
    initial_device_display_name: str | None = None
    refresh_token: bool | None = None


class Refresh(Struct, frozen=True):
    """Body of POST /refresh."""

    refresh_token: str


class SigningIn:
    """From credentials to tokens, and back to nothing."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        passes: Passes,
        credentials: Credentials,
        confirmation: Confirmation,
        public_url: str,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._passes = passes
        self._credentials = credentials
        self._confirmation = confirmation
        self._public_url = public_url

    @route("GET", *also_r0("/_matrix/client/v3/login"), who=Who.ANYONE)
    async def flows(self, call: Call) -> dict[str, Any]:
        password = {"type": "m.login.password"}
        return {"flows": [password, {"type": "m.login.token", "get_login_token": True}]}

    @route("POST", *also_r0("/_matrix/client/v3/login"), who=Who.ANYONE, limit="login")
    async def login(self, call: Call) -> dict[str, Any]:
        login = await call.json(Login)
        check_text(login.device_id, "device_id")
        check_text(login.initial_device_display_name, "initial_device_display_name")
        if login.type == "m.login.password":
            user_id = await self._by_password(login, call.address)
        elif login.type == "m.login.token":
            user_id = await self._by_token(login)
        else:
            raise BadRequest(f"Unknown type of login: {login.type}.")
        tokens, device_id = await self._sessions.open(
            user_id,
            login.device_id,
            login.initial_device_display_name,
            refreshable=bool(login.refresh_token),
        )
        body = session_body(user_id, device_id, tokens)
        if self._public_url:
            body["well_known"] = {"m.homeserver": {"base_url": self._public_url}}
        return body

    @route("POST", "/_matrix/client/v1/login/get_token", limit="account")
    async def get_token(self, call: Call) -> dict[str, Any]:
        body = await call.json(Proven, empty=True)
        user_id = await self._confirmation.owner(call, body.auth)
        token = await self._passes.issue(LOGIN, user_id, PASS_LASTS)
        return {"login_token": token, "expires_in_ms": PASS_LASTS}

    @route("POST", *also_r0("/_matrix/client/v3/refresh"), who=Who.ANYONE, limit="login")
    async def refresh(self, call: Call) -> dict[str, Any]:
        tokens = await self._sessions.refresh((await call.json(Refresh)).refresh_token)
        return {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_in_ms": tokens.expires_in_ms,
        }

    @route("POST", *also_r0("/_matrix/client/v3/logout"), limit="account")
    async def logout(self, call: Call) -> None:
        await self._sessions.end(call.caller.user_id, [call.caller.device_id])

    @route("POST", *also_r0("/_matrix/client/v3/logout/all"), limit="account")
    async def logout_all(self, call: Call) -> None:
        await self._sessions.end_all(call.caller.user_id)

    async def _by_password(self, login: Login, address: str) -> str:
        """Raises MissingParam, Forbidden, UserDeactivated, UserLocked."""
        user_id = self._credentials.user_id(login.identifier, login.user)
        if user_id is None or login.password is None:
            raise MissingParam("The identifier or the password is missing.")
        if await self._credentials.check(user_id, login.password, address) is None:
            account = await self._accounts.find(user_id)
            if account and account.closed:
                raise UserDeactivated
            raise Forbidden("The name or the password is wrong.")
        await self._check_usable(user_id)
        return user_id

    async def _by_token(self, login: Login) -> str:
        """Raises MissingParam, Forbidden, UserDeactivated, UserLocked."""
        if login.token is None:
            raise MissingParam("The token is missing.")
        user_id = await self._passes.take(LOGIN, login.token)
        if user_id is None:
            raise Forbidden("This login token is not, or no longer, valid.")
        await self._check_usable(user_id)
        return user_id

    async def _check_usable(self, user_id: str) -> None:
        account = await self._accounts.find(user_id)
        if account is None or account.closed:
            raise UserDeactivated
        if account.locked:
            raise UserLocked(soft_logout=True)
