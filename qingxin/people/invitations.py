"""Registration tokens: who holds one may make an account, as often as it says.

spec: client-server-api/#token-authenticated-registration
"""

import re

from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.errors import InvalidParam
from qingxin.store.database import Database, Statement, must, sql

GRAMMAR = re.compile(r"[A-Za-z0-9._~-]{1,64}\Z")  # spec: the registration token's grammar

VALID = """token = :token AND (uses_allowed = 0 OR uses < uses_allowed)
    AND (expires = 0 OR expires > :now)"""
COUNT_USE = f"UPDATE registration_tokens SET uses = uses + 1 WHERE {VALID} RETURNING token"


class Invitation(Struct, frozen=True):
    """One registration token; `uses_allowed` and `expires` (ms since 1970) are 0 for no limit."""

    token: str
    uses_allowed: int
    uses: int
    expires: int
    created: int


class Invitations:
    """Makes, checks and lists registration tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, token: str | None = None, *, uses: int = 0, expires: int = 0) -> str:
        """A new token, or the given one with new limits. Raises InvalidParam."""
        token = token or ids.opaque(20)
        if not GRAMMAR.match(token):
            raise InvalidParam("A token has 1 to 64 of the letters A-Z a-z 0-9 . _ ~ -")
        await self._database.write(
            sql(
                """
                INSERT INTO registration_tokens (token, uses_allowed, uses, expires, created)
                VALUES (:token, :uses, 0, :expires, :now)
                ON CONFLICT (token) DO UPDATE
                SET uses_allowed = excluded.uses_allowed, expires = excluded.expires
                """,
                token=token,
                uses=uses,
                expires=expires,
                now=self._clock.now(),
            )
        )
        return token

    async def valid(self, token: str) -> bool:
        """Whether somebody could register with it now."""
        return GRAMMAR.match(token) is not None and bool(
            await self._database.one(
                f"SELECT token FROM registration_tokens WHERE {VALID}",
                token=token,
                now=self._clock.now(),
            )
        )

    def use(self, token: str) -> Statement:
        """The write that counts one use, and undoes everything if the token is not valid."""
        return must(COUNT_USE, token=token, now=self._clock.now())

    async def all(self) -> list[Invitation]:
        rows = await self._database.all(
            "SELECT token, uses_allowed, uses, expires, created"
            " FROM registration_tokens ORDER BY created, token"
        )
        return [Invitation(*row) for row in rows]

    async def withdraw(self, token: str) -> bool:
        """Make a token void; whether there was such a one."""
        (rows,) = await self._database.write(
            sql("DELETE FROM registration_tokens WHERE token = :token RETURNING token", token=token)
        )
        return bool(rows)
