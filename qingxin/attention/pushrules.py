"""Everybody's push rules: kept in their account data, compiled when events need them.

Account data holds what somebody set (rules.py), not the default rules; what clients are shown
is put together here.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from qingxin.attention import edits
from qingxin.attention.conditions import LOCALPART, USER_ID
from qingxin.attention.defaults import in_order
from qingxin.attention.rules import NOTHING_SET, Kind, Rules
from qingxin.attention.ruleset import DEFAULT, Ruleset
from qingxin.ids import localpart
from qingxin.people.preferences import Preferences
from qingxin.people.remembered import Remembered

ACCOUNT_DATA = "m.push_rules"
COMPILED = 20_000  # rule sets of people who changed something, kept in memory

encode = msgspec.json.encode


class PushRules:
    """Reads, changes and compiles push rules."""

    def __init__(self, preferences: Preferences, *, capacity: int = COMPILED) -> None:
        self._preferences = preferences
        self._compiled: Remembered[str, Ruleset] = Remembered(capacity)
        preferences.on_change(ACCOUNT_DATA, self._compiled.forget, self._compiled.clear)

    async def rules(self, user_id: str) -> Rules:
        """What this person set."""
        return decoded(await self._preferences.get(user_id, ACCOUNT_DATA))

    async def as_json(self, user_id: str) -> bytes:
        """All rules as /sync and GET /pushrules/ show them: {"global": {…}}."""
        return b'{"global":%s}' % shown(everything(await self.rules(user_id)), user_id)

    async def edit(self, user_id: str, change: Callable[[Rules], Rules]) -> None:
        """Change somebody's rules. Raises what `change` raises, and TooLarge."""
        await self._preferences.revise(
            user_id, ACCOUNT_DATA, lambda before: encode(change(decoded(before)))
        )

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


def decoded(kept: bytes | None) -> Rules:
    """Rules as account data holds them."""
    return msgspec.json.decode(kept, type=Rules) if kept else NOTHING_SET


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
