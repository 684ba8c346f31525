"""Passwords that come in, whoever asks for them: checked, counted, and slowed down when wrong."""

from typing import Any

from msgspec import Struct

from qingxin.api.limits import Limits
from qingxin.api.matrix.text import check_text
from qingxin.errors import BadRequest, Forbidden, MissingParam
from qingxin.people.accounts import Account, Accounts


class Identifier(Struct, frozen=True):
    """spec: client-server-api/#identifier-types"""

    type: str
    user: str | None = None


class Credentials:
    """Checks passwords against accounts."""

    def __init__(self, accounts: Accounts, limits: Limits) -> None:
        self._accounts = accounts
        self._limits = limits

    def user_id(self, identifier: Identifier | None, user: str | None) -> str | None:
        """Who is meant by the identifier, or the `user` of old clients. Raises BadRequest."""
        check_text(identifier.user if identifier else user, "user")
        if identifier is None:
            return self._accounts.named(user) if user else None
        if identifier.type in ("m.id.thirdparty", "m.id.phone"):
            raise Forbidden("Nobody is known here by an e-mail address or phone number.")
        if identifier.type != "m.id.user":
            raise BadRequest(f"Unknown type of identifier: {identifier.type}.")
        if not identifier.user:
            raise MissingParam("The identifier lacks the user.")
        return self._accounts.named(identifier.user)

    async def check(self, user_id: str, password: str, address: str) -> Account | None:
        """The account if the password is right. Raises LimitExceeded after too many wrong ones."""
        here = f"{address} {user_id}"
        self._limits.check("login-failed", here)
        self._limits.check("login-attacked", user_id)
        account = await self._accounts.check(user_id, password)
        if account is None:
            self._limits.draw("login-failed", here)
            self._limits.draw("login-attacked", user_id)
        return account


def session_body(user_id: str, device_id: str, tokens: Any) -> dict[str, Any]:
    """What a client that has just signed in is told; `home_server` is for old ones."""
    body = {
        "user_id": user_id,
        "home_server": user_id.partition(":")[2],
        "access_token": tokens.access_token,
        "device_id": device_id,
    }
    if tokens.refresh_token is not None:
        body |= {"refresh_token": tokens.refresh_token, "expires_in_ms": tokens.expires_in_ms}
    return body
