"""Passes: tokens for one purpose and a short time, such as signing in another device."""

from qingxin import ids
from qingxin.clock import Clock
from qingxin.store.database import Database, sql

LOGIN = "login"  # sign in as this user, once
OPENID = "openid"  # learn who this user is


class Passes:
    """Issues passes and says whose they are; only their hashes are stored."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def issue(self, purpose: str, user_id: str, life: int) -> str:
        """A new pass, good for `life` ms."""
        token, now = ids.secret("qxp_"), self._clock.now()
        await self._database.write(
            sql("DELETE FROM passes WHERE expires <= :now", now=now),
            sql(
                """
                INSERT INTO passes (pass_hash, purpose, user_id, expires)
                VALUES (:hashed, :purpose, :user_id, :expires)
                """,
                hashed=ids.digest(token),
                purpose=purpose,
                user_id=user_id,
                expires=now + life,
            ),
        )
        return token

    async def holder(self, purpose: str, token: str) -> str | None:
        """Whose pass this is."""
        row = await self._database.one(
            """
            SELECT user_id FROM passes
            WHERE pass_hash = :hashed AND purpose = :purpose AND expires > :now
            """,
            hashed=ids.digest(token),
            purpose=purpose,
            now=self._clock.now(),
        )
        return row[0] if row else None

    async def take(self, purpose: str, token: str) -> str | None:
        """Whose pass this was: it can be taken once."""
        (rows,) = await self._database.write(
            sql(
                """
                DELETE FROM passes
                WHERE pass_hash = :hashed AND purpose = :purpose AND expires > :now
                RETURNING user_id
                """,
                hashed=ids.digest(token),
                purpose=purpose,
                now=self._clock.now(),
            )
        )
        return rows[0][0] if rows else None

    async def void(self, user_id: str) -> None:
        """End every pass of a user."""
        await self._database.write(
            sql("DELETE FROM passes WHERE user_id = :user_id", user_id=user_id)
        )
