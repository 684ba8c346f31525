"""User-interactive authentication: prove with a password, or a registration token, who asks.

Every flow here has one stage and every attempt carries its whole proof, so a member's session
needs no memory. spec: client-server-api/#user-interactive-authentication-api
"""

from typing import Any, NoReturn

from msgspec import Struct

from qingxin import ids
from qingxin.api.http import Call
from qingxin.api.matrix.credentials import Credentials, Identifier
from qingxin.errors import AuthenticationFailed, AuthenticationNeeded, Forbidden, MissingParam

PASSWORD = "m.login.password"


class Proof(Struct, frozen=True):
    """The `auth` of a body: definitions/auth_data.yaml and the fields of the stages here."""

    type: str | None = None
    session: str | None = None
    identifier: Identifier | None = None
    user: str | None = None
    password: str | None = None
    token: str | None = None


class Proven(Struct, frozen=True):
    """A body of which only the proof is read."""

    auth: Proof | None = None


def ask(stage: str, session: str | None = None, failure: str = "") -> NoReturn:
    """Answer 401 with the flow there is, and with what was wrong about the attempt."""
    fields: dict[str, Any] = {
        "session": session or ids.opaque(24),
        "flows": [{"stages": [stage]}],
        "params": {},
        "completed": [],
    }
    if failure:
        raise AuthenticationFailed(failure, **fields)
    raise AuthenticationNeeded(**fields)


class Confirmation:
    """Asks people for their password before something that cannot be undone."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def owner(self, call: Call, proof: Proof | None) -> str:
        """Whose password was given: the caller's, where there is one. Asks until it is right."""
        if proof is None or proof.type is None:
            ask(PASSWORD, proof.session if proof else None)
        if proof.type != PASSWORD:
            ask(PASSWORD, proof.session, f"This needs {PASSWORD}, not {proof.type}.")
        caller = call.maybe_caller
        user_id = self._credentials.user_id(proof.identifier, proof.user)
        user_id = user_id or (caller.user_id if caller else None)
        if user_id is None or proof.password is None:
            raise MissingParam("The proof lacks the identifier or the password.")
        if caller and user_id != caller.user_id:
            raise Forbidden("This is not the account you are signed in to.")
        if await self._credentials.check(user_id, proof.password, call.address) is None:
            ask(PASSWORD, proof.session, "The password is wrong.")
        return user_id
