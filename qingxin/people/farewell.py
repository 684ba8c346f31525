"""Closing an account for ever: what belongs to it goes, in an order that can be repeated."""

from collections.abc import Awaitable, Callable

from qingxin.people.accounts import Accounts
from qingxin.people.passes import Passes
from qingxin.people.preferences import Preferences
from qingxin.people.profiles import Profiles
from qingxin.people.sessions import Sessions

Leave = Callable[[str, bool], Awaitable[None]]  # user id, whether to erase what they wrote


class Farewell:
    """Closes accounts. `leave` takes the person out of every room."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        passes: Passes,
        profiles: Profiles,
        preferences: Preferences,
        leave: Leave,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._passes = passes
        self._profiles = profiles
        self._preferences = preferences
        self._leave = leave

    async def close(self, user_id: str, *, erase: bool = False) -> None:
        """End an account; where `erase`, forget also what it says about its owner."""
        # First the account, so that nobody can join a room behind our back.
        await self._accounts.close(user_id, erase=erase)
        await self._passes.void(user_id)
        await self._sessions.end_all(user_id)
        await self._leave(user_id, erase)
        if erase:
            await self._profiles.erase(user_id)
            await self._preferences.erase(user_id)
        await self._accounts.settle(user_id)

    async def resume(self) -> None:
        """Finish what a crash interrupted; to be called at the start."""
        for account in await self._accounts.closing():
            await self.close(account.user_id, erase=account.erased)
