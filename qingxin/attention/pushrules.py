"""Everybody's push rules: kept in their account data, compiled when events need them.

Account data holds what somebody set (rules.py), not the default rules; what clients are shown
is put together here.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from weakref import WeakValueDictionary

import msgspec

from qingxin.attention import edits
from qingxin.attention.conditions import LOCALPART, USER_ID
from qingxin.attention.defaults import in_order
from qingxin.attention.rules import NOTHING_SET, Kind, Rules
from qingxin.attention.ruleset import DEFAULT, Ruleset
from qingxin.errors import TooLarge
from qingxin.ids import localpart
from qingxin.people.remembered import Remembered

ACCOUNT_DATA = "m.push_rules"
MOST = 262_144  # bytes of one person's rules: some thousand muted rooms
COMPILED = 20_000  # rule sets of people who changed something, kept in memory

encode = msgspec.json.encode


class Preferences(Protocol):
    """Where account data is kept."""

    async def get(self, user_id: str, kind: str, /) -> bytes | None: ...

    async def put(self, user_id: str, kind: str, content: dict[str, Any], /) -> Any: ...


class PushRules:
    """Reads, changes and compiles push rules."""

    def __init__(self, preferences: Preferences, *, capacity: int = COMPILED) -> None:
        self._preferences = preferences
        self._compiled: Remembered[str, Ruleset] = Remembered(capacity)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def rules(self, user_id: str) -> Rules:
        """What this person set."""
        stored = await self._preferences.get(user_id, ACCOUNT_DATA)
        return msgspec.json.decode(stored, type=Rules) if stored else NOTHING_SET

    async def as_json(self, user_id: str) -> bytes:
        """All rules as /sync and GET /pushrules/ show them: {"global": {…}}."""
        return b'{"global":%s}' % shown(everything(await self.rules(user_id)), user_id)

    async def edit(self, user_id: str, change: Callable[[Rules], Rules]) -> None:
        """Change somebody's rules. Raises what `change` raises, and TooLarge."""
        async with self._locks.setdefault(user_id, asyncio.Lock()):
            rules = await self.rules(user_id)
            if (changed := change(rules)) == rules:
                return
            if len(encode(changed)) > MOST:
                raise TooLarge("You have too many push rules. Delete some of them first.")
            await self._preferences.put(user_id, ACCOUNT_DATA, msgspec.to_builtins(changed))
            self.forget(user_id)

    async def follow(self, user_ids: Iterable[str], room_id: str, replacement: str) -> None:
        """Carry the rules about a room over to the room that replaces it."""
        for user_id in user_ids:
            rules = await self.rules(user_id)
            if edits.follow(rules, room_id, replacement) is not rules:
                await self.edit(user_id, lambda old: edits.follow(old, room_id, replacement))

    async def ruleset(self, user_id: str) -> Ruleset:
        """Somebody's rules, ready to be asked."""
        if (compiled := self._compiled.get(user_id)) is not None:
            return compiled
        with self._compiled.reading(user_id) as reading:
            rules = await self.rules(user_id)
            return reading.keep(DEFAULT if rules == NOTHING_SET else Ruleset(rules))

    def forget(self, user_id: str) -> None:
        """The rules changed, perhaps in another process: compile them anew when needed."""
        self._compiled.forget(user_id)


def everything(rules: Rules) -> dict[Kind, Any]:
    """All rules by kind."""
    return {kind: in_order(kind, rules) for kind in Kind}


def shown(value: Any, user_id: str) -> bytes:
    """Rules as JSON, with the names of their owner filled in."""
    return (
        encode(value)
        .replace(encode(USER_ID), encode(user_id))
        .replace(encode(LOCALPART), encode(localpart(user_id)))
    )
