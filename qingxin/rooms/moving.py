"""What people keep about a room goes with them to its replacement: tags, direct chats, rules.

Push rules belong to a package above this one, so `carry_rules` is given.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from qingxin.jobs import Jobs
from qingxin.log.read import History
from qingxin.people.preferences import Preferences

MOVE = "move-members"
DIRECT = "m.direct"
AT_ONCE = 50  # members who are moved while the upgrade is waited for
MOST = 1_000_000

CarryRules = Callable[[Sequence[str], str, str], Awaitable[None]]


class Moving:
    """Moves what members keep."""

    def __init__(
        self, history: History, preferences: Preferences, jobs: Jobs, carry_rules: CarryRules
    ) -> None:
        self._history = history
        self._preferences = preferences
        self._jobs = jobs
        self._carry_rules = carry_rules
        jobs.on(MOVE, self._move)

    async def move(self, old: str, new: str) -> None:
        """For all members: at once if they are few, else as a job."""
        members = await self._history.first_members(old, ("join",), AT_ONCE + 1)
        if len(members) > AT_ONCE:
            await self._jobs.put(MOVE, {"old": old, "new": new}, key=new)
        else:
            await self._move(old, new)

    async def _move(self, old: str, new: str) -> None:
        members = await self._history.first_members(old, ("join",), MOST)
        for user_id in members:
            await self._copy_tags(user_id, old, new)
            await self._add_direct(user_id, old, new)
        await self._carry_rules(members, old, new)

    async def _copy_tags(self, user_id: str, old: str, new: str) -> None:
        there = await self._preferences.tags(user_id, new)
        for tag, content in (await self._preferences.tags(user_id, old)).items():
            if tag not in there:
                await self._preferences.tag(user_id, new, tag, content)

    async def _add_direct(self, user_id: str, old: str, new: str) -> None:
        def revise(before: bytes | None) -> bytes:
            return msgspec.json.encode(_with(_decoded(before), old, new))

        chats = _decoded(await self._preferences.get(user_id, DIRECT))
        if _with(chats, old, new) != chats:
            await self._preferences.revise(user_id, DIRECT, revise)


def _decoded(content: bytes | None) -> dict[str, Any]:
    return msgspec.json.decode(content) if content else {}


def _with(chats: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Direct chats by person, with `new` wherever `old` is."""
    return {
        user_id: [*rooms, new]
        if isinstance(rooms, list) and old in rooms and new not in rooms
        else rooms
        for user_id, rooms in chats.items()
    }
