"""What an operator can do to a server, running or resting; each act answers with plain data.

An act is a method named in ACTS. The running server performs acts for the commands that ask
through `control.py`; without one, a command opens the application and performs them itself.
"""

import secrets
from pathlib import Path
from typing import Any

from qingxin.app import App
from qingxin.commands import archive
from qingxin.commands.console import Problem, Report
from qingxin.errors import NotFound
from qingxin.store import choice
from qingxin.store.database import Database

ACTS = frozenset(
    "create_user reset_password set_moderator list_users close_user"
    " create_token list_tokens withdraw_token backup inspect".split()
)
SYLLABLES = "ba be bo da de do fa fe fi ga go ka ke ko la le li lo ma me mi mo na ne ni no".split()
SYLLABLES += "pa pe po ra re ri ro sa se so ta te ti to va ve vi wa we xi ya yo za ze zo".split()


class Desk:
    """The operator's acts over one open application."""

    def __init__(self, app: App, report: Report) -> None:
        self._app = app
        self._report = report

    async def perform(self, act: str, details: dict[str, Any]) -> Any:
        """Do one of ACTS. Raises Problem, MatrixError, Unusable."""
        if act not in ACTS:
            raise Problem(f"The server does not know how to {act}.")
        return await getattr(self, act)(**details)

    async def create_user(self, name: str, password: str, moderator: bool) -> dict[str, str]:
        password = password or made_up_password()
        accounts = self._app.accounts
        user_id = accounts.user_id(name)
        await accounts.register(user_id, await accounts.hash(password), moderator=moderator)
        return {"user_id": user_id, "password": password}

    async def reset_password(self, name: str, password: str, keep: bool) -> dict[str, str]:
        """A new password; every session ends unless `keep`."""
        password = password or made_up_password()
        user_id = await self._existing(name)
        await self._app.accounts.set_password(user_id, password)
        if not keep:
            await self._app.sessions.end_all(user_id)
        return {"user_id": user_id, "password": password}

    async def set_moderator(self, name: str, on: bool) -> str:
        user_id = await self._existing(name)
        await self._app.accounts.mark(user_id, moderator=on)
        self._app.sessions.changed(user_id)
        return user_id

    async def list_users(self) -> list[list[Any]]:
        """Rows of user id, role or state, and when it was made."""
        return [
            [account.user_id, _state(account), account.created]
            for account in await self._app.accounts.all()
        ]

    async def close_user(self, name: str, erase: bool) -> str:
        user_id = await self._existing(name)
        await self._app.farewell.close(user_id, erase=erase)
        return user_id

    async def create_token(self, token: str | None, uses: int, days: int) -> str:
        expires = self._app.clock.now() + days * 86_400_000 if days else 0
        return await self._app.invitations.create(token, uses=uses, expires=expires)

    async def list_tokens(self) -> list[list[Any]]:
        """Rows of token, uses, uses allowed and end."""
        return [
            [each.token, each.uses, each.uses_allowed, each.expires]
            for each in await self._app.invitations.all()
        ]

    async def withdraw_token(self, token: str) -> None:
        if not await self._app.invitations.withdraw(token):
            raise NotFound("There is no such token.")

    async def backup(self, target: str) -> dict[str, int]:
        return await archive.write(self._app, Path(target), self._report)

    async def inspect(self) -> dict[str, Any]:
        return await condition(self._app.database)

    async def _existing(self, name: str) -> str:
        user_id = self._app.accounts.named(name)
        if not await self._app.accounts.active(user_id):
            raise NotFound(f"There is no account {user_id}, or it is closed.")
        return user_id


async def condition(database: Database) -> dict[str, Any]:
    """What `qingxin check` wants to know of a database."""
    return {
        "damage": await choice.damage(database),
        "pending": await choice.pending(database),
        "size": await database.size(),
    }


def _state(account: Any) -> str:
    states = ("closed", "suspended", "locked", "moderator")
    return next((state for state in states if getattr(account, state)), "member")


def made_up_password() -> str:
    """Twelve syllables that can be read out on the telephone: 68 random bits."""
    chosen = [secrets.choice(SYLLABLES) for _ in range(12)]
    return "-".join("".join(chosen[start : start + 3]) for start in range(0, 12, 3))
