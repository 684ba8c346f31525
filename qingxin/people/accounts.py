"""Accounts: who exists, with which password, and what the operator allows them.

A name is given to exactly one of those who ask for it at once, and a registration token
is counted in the same commit.
"""

import secrets
import string
from collections.abc import Sequence

from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.errors import InvalidParam, InvalidUsername, NotFound, UserInUse
from qingxin.people.passwords import Passwords
from qingxin.people.profiles import first_profile
from qingxin.store.database import Database, NothingReturned, Row, Write, must, sql

MOST_LETTERS = 512  # of a password
LETTERS = string.ascii_lowercase + string.digits

INSERT_USER = """
    INSERT INTO users (user_id, password, moderator, created)
    VALUES (:user_id, :password, :moderator, :now)
    ON CONFLICT (user_id) DO NOTHING
    RETURNING user_id
"""
SELECT_USERS = """
    SELECT user_id, password, moderator, locked, suspended, closed, erased, created FROM users
"""
FIND_USER = SELECT_USERS + " WHERE user_id = :user_id"
ALL_USERS = SELECT_USERS + " ORDER BY user_id"


class Account(Struct, frozen=True):
    """One row of `users`."""

    user_id: str
    password: str
    moderator: bool
    locked: bool
    suspended: bool
    closed: bool
    erased: bool
    created: int


class Accounts:
    """Makes, finds, changes and closes accounts of this server."""

    def __init__(
        self, database: Database, clock: Clock, passwords: Passwords, server_name: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self.server_name = server_name

    def user_id(self, name: str) -> str:
        """The id of a new user called `name`. Raises InvalidUsername."""
        name = name.lower()
        user_id = f"@{name}:{self.server_name}"
        if not ids.LOCALPART.match(name) or len(user_id) > ids.MAX_LENGTH:
            raise InvalidUsername
        if name.startswith("_"):
            raise InvalidUsername("Names that begin with _ are kept for bridges.")
        return user_id

    def named(self, identifier: str) -> str:
        """The id meant by what somebody typed to sign in: a name or a whole id, in any case."""
        identifier = identifier.lower()
        return identifier if identifier.startswith("@") else f"@{identifier}:{self.server_name}"

    def random_name(self) -> str:
        return "".join(secrets.choice(LETTERS) for _ in range(10))

    async def register(
        self,
        user_id: str,
        password: str,
        *,
        moderator: bool = False,
        also: Sequence[Write] = (),
    ) -> None:
        """Make an account, with `also` in the same commit. Raises UserInUse.

        `password` is a hash (`hash`), or empty for an account that nobody can sign in to yet.
        What `also` demands and does not find raises NothingReturned.
        """
        now = self._clock.now()
        account = must(
            INSERT_USER, user_id=user_id, password=password, moderator=int(moderator), now=now
        )
        try:
            await self._database.write(account, first_profile(user_id), *also)
        except NothingReturned as nothing:
            if nothing.index == 0:
                raise UserInUse from None
            raise

    async def find(self, user_id: str) -> Account | None:
        row = await self._database.one(FIND_USER, user_id=user_id)
        return None if row is None else _account(row)

    async def all(self) -> list[Account]:
        """Every account, for the operator's list."""
        return [_account(row) for row in await self._database.scan(ALL_USERS)]

    async def exists(self, user_id: str) -> bool:
        """Whether there is, or was, such an account: a closed one's name is not given again."""
        return await self.find(user_id) is not None

    async def active(self, user_id: str) -> bool:
        """Whether there is such an account and it is not closed."""
        account = await self.find(user_id)
        return account is not None and not account.closed

    async def hash(self, password: str) -> str:
        """What to store for a password. Raises InvalidParam."""
        if not 0 < len(password) <= MOST_LETTERS:
            raise InvalidParam(f"A password has 1 to {MOST_LETTERS} letters.")
        return await self._passwords.hash(password)

    async def check(self, user_id: str, password: str) -> Account | None:
        """The account, if this is its password; as slow when there is no such account."""
        account = await self.find(user_id)
        usable = account.password if account and not account.closed else ""
        if not await self._passwords.matches(usable, password[: MOST_LETTERS + 1]):
            return None
        if account and self._passwords.outdated(usable):
            await self._store(user_id, await self.hash(password), was=usable)
        return account

    async def set_password(self, user_id: str, password: str) -> None:
        """Give an account a new password. Raises InvalidParam, NotFound."""
        if not await self._store(user_id, await self.hash(password)):
            raise NotFound("There is no such account.")

    async def mark(self, user_id: str, **flags: bool) -> None:
        """Set `moderator`, `locked` or `suspended`. Raises NotFound.

        `Sessions.changed` must follow, or it takes effect with some seconds' delay.
        """
        assert set(flags) <= {"moderator", "locked", "suspended"}
        changes = ", ".join(f"{name} = :{name}" for name in flags)
        values = {name: int(value) for name, value in flags.items()}
        (rows,) = await self._database.write(
            sql(
                f"UPDATE users SET {changes} WHERE user_id = :user_id AND closed = 0"
                " RETURNING user_id",
                user_id=user_id,
                **values,
            )
        )
        if not rows:
            raise NotFound("There is no such account.")

    async def close(self, user_id: str, *, erase: bool) -> None:
        """End an account for ever; its name is not given again. `Farewell` does the rest."""
        await self._database.write(
            sql(
                """
                UPDATE users SET closed = 1, settled = 0, password = '', moderator = 0,
                    erased = CASE WHEN :erase = 1 THEN 1 ELSE erased END
                WHERE user_id = :user_id
                """,
                user_id=user_id,
                erase=int(erase),
            )
        )

    async def settle(self, user_id: str) -> None:
        """Note that nothing remains to be done about a closed account."""
        await self._database.write(
            sql("UPDATE users SET settled = 1 WHERE user_id = :user_id", user_id=user_id)
        )

    async def closing(self) -> list[Account]:
        """Accounts that were closed, while what belonged to them may still be there."""
        rows = await self._database.all(SELECT_USERS + " WHERE closed = 1 AND settled = 0")
        return [_account(row) for row in rows]

    async def _store(self, user_id: str, hashed: str, was: str | None = None) -> bool:
        (rows,) = await self._database.write(
            sql(
                """
                UPDATE users SET password = :hashed
                WHERE user_id = :user_id AND closed = 0 AND password = COALESCE(:was, password)
                RETURNING user_id
                """,
                user_id=user_id,
                hashed=hashed,
                was=was,
            )
        )
        return bool(rows)


def _account(row: Row) -> Account:
    user_id, password, moderator, locked, suspended, closed, erased, created = row
    flags = (bool(moderator), bool(locked), bool(suspended), bool(closed), bool(erased))
    return Account(user_id, password, *flags, created)
