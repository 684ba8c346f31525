"""Who is calling: reads the access token, refuses whom the route does not admit, then limits.

spec: client-server-api/#using-access-tokens
"""

from qingxin.api.http import Call, Caller, Route, Who
from qingxin.api.limits import Limits
from qingxin.errors import Forbidden, MissingToken, UnknownToken, UserLocked, UserSuspended
from qingxin.people.sessions import Session, Sessions
from qingxin.people.sightings import Sightings

# Budgets of what a suspended account may not do (spec: client-server-api/#account-suspension).
NOT_WHILE_SUSPENDED = frozenset(
    {"send", "state", "typing", "join", "invite", "create", "profile", "upload"}
)
ALSO_WHILE_LOCKED = ("/logout", "/logout/all")  # spec: client-server-api/#account-locking


class Gate:
    """Lets calls in. `query_tokens`: also by `?access_token=`, for old clients."""

    def __init__(
        self, sessions: Sessions, sightings: Sightings, limits: Limits, *, query_tokens: bool
    ) -> None:
        self._sessions = sessions
        self._sightings = sightings
        self._limits = limits
        self._query_tokens = query_tokens

    async def admit(self, call: Call, route: Route) -> None:
        """Give the call its caller. Raises what refuses it."""
        session = None
        if route.who is not Who.ANYONE:
            token = self._token(call)
            session = self._sessions.remembered(token) or await self._session(token, route)
        if session is None:
            self._limits.draw(route.limit, call.address)
            return
        _permit(session, route)
        call.admit(
            Caller(session.user_id, session.device_id, session.moderator, session.token_hash)
        )
        self._sightings.see(
            session.user_id, session.device_id, call.address, call.header(b"user-agent")
        )
        self._limits.draw(route.limit, session.user_id)

    async def _session(self, token: str, route: Route) -> Session | None:
        if route.who is Who.MAYBE:
            try:
                return await self._sessions.recognise(token) if token else None
            except UnknownToken:
                return None
        if not token:
            raise MissingToken
        return await self._sessions.recognise(token)

    def _token(self, call: Call) -> str:
        scheme, _, token = call.header(b"authorization").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        if self._query_tokens:
            return call.query("access_token") or ""
        return ""


def _permit(session: Session, route: Route) -> None:
    if session.locked and not route.path.endswith(ALSO_WHILE_LOCKED):
        raise UserLocked(soft_logout=True)
    if session.suspended and route.limit in NOT_WHILE_SUSPENDED:
        raise UserSuspended
    if route.who is Who.MODERATOR and not session.moderator:
        raise Forbidden("Only moderators may do this.")
