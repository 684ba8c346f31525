"""Making an account: openly, with a registration token, or not at all, as the operator says.

What a first attempt said is remembered for as long as its session, in this process: a client
may finish with its proof alone. spec: client-server-api/#account-registration-and-management
"""

from typing import Any, Literal

from msgspec import Struct, structs

from qingxin import ids
from qingxin.api.http import Call, Who, route
from qingxin.api.limits import Limits
from qingxin.api.matrix.credentials import session_body
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.api.matrix.uia import Proof, ask
from qingxin.clock import Clock
from qingxin.errors import (
    Forbidden,
    GuestAccessForbidden,
    InvalidParam,
    MissingParam,
    ThreepidDenied,
    UserInUse,
)
from qingxin.people.accounts import Accounts
from qingxin.people.invitations import Invitations
from qingxin.people.sessions import Sessions, Tokens
from qingxin.store.database import NothingReturned, Write

DUMMY, TOKEN = "m.login.dummy", "m.login.registration_token"
LASTS = 30 * 60_000  # ms that a begun registration is remembered
MOST_BEGUN = 10_000


class Wish(Struct, frozen=True):
    """Body of POST /register."""

    auth: Proof | None = None
    username: str | None = None
    password: str | None = None
    device_id: str | None = None
    initial_device_display_name: str | None = None
    inhibit_login: bool | None = None
    refresh_token: bool | None = None


class Begun(Struct):
    """A registration under way: the wish without its password, and who came of it."""

    wish: Wish
    password: str = ""  # hashed, or empty while none was given
    session: str = ""  # the id under which it is remembered
    until: int = 0
    user_id: str | None = None


class Registration:
    """POST /register and what one may ask before."""

    def __init__(
        self,
        accounts: Accounts,
        invitations: Invitations,
        sessions: Sessions,
        limits: Limits,
        clock: Clock,
        mode: Literal["open", "token", "closed"],
    ) -> None:
        self._accounts = accounts
        self._invitations = invitations
        self._sessions = sessions
        self._limits = limits
        self._clock = clock
        self._mode = mode
        self._stage = TOKEN if mode == "token" else DUMMY
        self._begun: dict[str, Begun] = {}

    @route("POST", *also_r0("/_matrix/client/v3/register"), who=Who.ANYONE, limit="register")
    async def register(self, call: Call) -> dict[str, Any]:
        self._check_kind(call)
        begun = self._recall(await call.json(Wish))
        wish = begun.wish
        if wish.username is not None and begun.user_id is None:
            await self._check_free(wish.username)
        if wish.password is not None:
            begun.password = await self._accounts.hash(wish.password)
        await self._prove(call, begun)
        if begun.user_id is not None:
            return await self._again(begun.user_id, wish)
        if not begun.password:
            raise MissingParam("A password is needed.")
        return await self._make(begun)

    @route(
        "GET", *also_r0("/_matrix/client/v3/register/available"), who=Who.ANYONE, limit="register"
    )
    async def available(self, call: Call) -> dict[str, Any]:
        username = call.query("username")
        if username is None:
            raise MissingParam("Which username?")
        await self._check_free(username)
        return {"available": True}

    @route(
        "GET",
        "/_matrix/client/v1/register/m.login.registration_token/validity",
        who=Who.ANYONE,
        limit="register",
    )
    async def validity(self, call: Call) -> dict[str, Any]:
        if self._mode == "closed":
            raise Forbidden("Nobody can register here.")
        token = call.query("token")
        if token is None:
            raise MissingParam("Which token?")
        self._limits.check("token-failed", call.address)
        valid = await self._invitations.valid(token)
        if not valid:
            self._limits.draw("token-failed", call.address)
        return {"valid": valid}

    @route(
        "POST",
        *also_r0("/_matrix/client/v3/register/email/requestToken"),
        *also_r0("/_matrix/client/v3/register/msisdn/requestToken"),
        who=Who.ANYONE,
        limit="register",
    )
    async def request_token(self, call: Call) -> None:
        raise ThreepidDenied

    def _check_kind(self, call: Call) -> None:
        kind = call.query("kind", "user")
        if kind == "guest":
            raise GuestAccessForbidden("Guests have no accounts here.")
        if kind != "user":
            raise InvalidParam("kind must be user.")
        if self._mode == "closed":
            raise Forbidden("Nobody can register here.")

    def _recall(self, wish: Wish) -> Begun:
        """What is wished now, completed by what the same session wished before."""
        check_text(wish.device_id, "device_id")
        check_text(wish.initial_device_display_name, "initial_device_display_name")
        session = wish.auth.session if wish.auth else None
        begun = self._begun.get(session) if session else None
        if begun is None or begun.until <= self._clock.now():
            return Begun(wish)
        said = {name: value for name, value in structs.asdict(wish).items() if value is not None}
        return structs.replace(begun, wish=structs.replace(begun.wish, **said))

    async def _check_free(self, username: str) -> None:
        """Raises InvalidUsername, UserInUse."""
        if await self._accounts.exists(self._accounts.user_id(username)):
            raise UserInUse

    async def _prove(self, call: Call, begun: Begun) -> None:
        """Ask for the stage until it is passed."""
        proof = begun.wish.auth
        if proof is None or proof.type is None:
            ask(self._stage, self._remember(begun))
        if proof.type != self._stage:
            failure = f"This needs {self._stage}, not {proof.type}."
            ask(self._stage, self._remember(begun), failure)
        if self._mode == "open" or begun.user_id is not None:
            return
        self._limits.check("token-failed", call.address)
        if not await self._invitations.valid(proof.token or ""):
            self._limits.draw("token-failed", call.address)
            ask(self._stage, self._remember(begun), "This registration token is not valid.")

    async def _make(self, begun: Begun) -> dict[str, Any]:
        """The account and its first session, in one commit with the token's use."""
        wish = begun.wish
        user_id = self._accounts.user_id(wish.username or self._accounts.random_name())
        tokens, device_id, writes = self._opening(user_id, wish)
        if self._mode == "token" and wish.auth:
            writes = [self._invitations.use(wish.auth.token or ""), *writes]
        try:
            await self._accounts.register(user_id, begun.password, also=writes)
        except NothingReturned:
            ask(self._stage, self._remember(begun), "This registration token is used up.")
        if begun.session:
            begun.user_id = user_id
            self._remember(begun)
        return _answer(user_id, device_id, tokens)

    def _opening(self, user_id: str, wish: Wish) -> tuple[Tokens | None, str, list[Write]]:
        if wish.inhibit_login:
            return None, "", []
        return self._sessions.opening(
            user_id,
            wish.device_id,
            wish.initial_device_display_name,
            refreshable=bool(wish.refresh_token),
        )

    async def _again(self, user_id: str, wish: Wish) -> dict[str, Any]:
        """The answer to a repeated request: the account is there, the client needs a session."""
        if wish.inhibit_login:
            return _answer(user_id, "", None)
        tokens, device_id = await self._sessions.open(
            user_id,
            wish.device_id,
            wish.initial_device_display_name,
            refreshable=bool(wish.refresh_token),
        )
        return _answer(user_id, device_id, tokens)

    def _remember(self, begun: Begun) -> str:
        """Keep it, without its proof and password, under the id that the client will repeat."""
        # Never an id of the client's choice: who knows the id gets the account's next session.
        begun.session = begun.session or ids.opaque(24)
        begun.wish = structs.replace(begun.wish, auth=None, password=None)
        begun.until = self._clock.now() + LASTS
        self._begun.pop(begun.session, None)
        self._begun[begun.session] = begun
        while len(self._begun) > MOST_BEGUN:
            self._begun.pop(next(iter(self._begun)))
        return begun.session


def _answer(user_id: str, device_id: str, tokens: Tokens | None) -> dict[str, Any]:
    if tokens is None:
        return {"user_id": user_id, "home_server": user_id.partition(":")[2]}
    return session_body(user_id, device_id, tokens)
