"""What concerns all the rooms of one person: showing a new name or picture, leaving for good.

The first rooms follow at once, since people look there; the rest is a job. Either can be
repeated: a room in which there is nothing left to do is passed over.
"""

from collections.abc import Awaitable, Callable, Sequence

from qingxin.errors import MatrixError
from qingxin.jobs import Jobs
from qingxin.log.append import Log
from qingxin.log.event import MEMBER
from qingxin.people.profiles import Profiles
from qingxin.rooms.membership import KEPT, Membership, member_content
from qingxin.store.database import Write

AT_ONCE = 50  # rooms that are done while the person waits
SHOW, LEAVE = "show-profile", "leave-rooms"


class Everywhere:
    """Goes through somebody's rooms."""

    def __init__(self, log: Log, membership: Membership, profiles: Profiles, jobs: Jobs) -> None:
        self._history = log.history
        self._membership = membership
        self._profiles = profiles
        self._jobs = jobs
        jobs.on(SHOW, self._show_all)
        jobs.on(LEAVE, self._leave_all)

    def promise_to_show(self, user_id: str) -> Sequence[Write]:
        """What has to be kept together with a changed profile, so that no room is forgotten."""
        return [self._jobs.promised(SHOW, {"user_id": user_id}, key=user_id)]

    async def show_profile(self, user_id: str) -> None:
        """Carry a changed name or picture into every room that its owner is in."""
        async with self._jobs.keep(SHOW, key=user_id):
            rooms = await self._history.joined_rooms(user_id)
            await self._go(rooms[:AT_ONCE], user_id, self._show)
            if rooms[AT_ONCE:]:
                await self._jobs.put(SHOW, {"user_id": user_id}, key=user_id)

    async def leave(self, user_id: str) -> None:
        """Leave every room and decline every invitation, as a closed account does."""
        async with self._jobs.promise(LEAVE, {"user_id": user_id}, key=user_id):
            rooms = await self._rooms(user_id)
            await self._go(rooms[:AT_ONCE], user_id, self._membership.leave)
            if rooms[AT_ONCE:]:
                await self._jobs.put(LEAVE, {"user_id": user_id}, key=user_id)

    async def _show_all(self, user_id: str) -> None:
        await self._go(await self._history.joined_rooms(user_id), user_id, self._show)

    async def _leave_all(self, user_id: str) -> None:
        await self._go(await self._rooms(user_id), user_id, self._membership.leave)

    async def _rooms(self, user_id: str) -> list[str]:
        moved = await self._history.rooms_of(user_id, ("join", "invite", "knock"))
        return [each.room_id for each in moved]

    async def _go(
        self, rooms: Sequence[str], user_id: str, act: Callable[[str, str], Awaitable[object]]
    ) -> None:
        for room_id in rooms:
            try:
                await act(room_id, user_id)
            except MatrixError as error:
                if error.status >= 500:  # the server cannot: to be tried again
                    raise

    async def _show(self, room_id: str, user_id: str) -> None:
        state = await self._history.states.of(room_id, (user_id,))
        before = state.get(MEMBER, user_id)
        if before is None or before.membership != "join":
            return
        # Read for each room, so that of two changes at once the later one stays.
        profile = await self._profiles.of(user_id)
        content = before.decoded()
        kept = {key: value for key, value in content.items() if key not in (*KEPT, "reason")}
        shown = member_content("join", profile)
        if any(content.get(key) != shown.get(key) for key in KEPT):
            await self._membership.change(room_id, user_id, user_id, kept | shown)
