"""What the server has to tell one person: a room of their own, in which only it speaks.

spec: client-server-api/#server-notices
"""

import asyncio
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from qingxin.errors import CannotLeaveServerNoticeRoom, NotFound, UserInUse
from qingxin.log.access import State
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Draft
from qingxin.log.speech import Screen
from qingxin.people.accounts import Accounts
from qingxin.people.preferences import Preferences
from qingxin.people.profiles import DISPLAY_NAME, Profiles
from qingxin.rooms.create import Rooms, Wish
from qingxin.rooms.membership import Membership
from qingxin.store.database import Database, sql

NAME = "_server"  # nobody can register a name that begins with _
TITLE = "Server notices"
TAG = "m.server_notice"
FIND = "SELECT room_id FROM notice_rooms WHERE user_id = :user_id"
CLAIM = """
    INSERT INTO notice_rooms (user_id, room_id) VALUES (:user_id, :room_id)
    ON CONFLICT (user_id) DO NOTHING
"""


def speaker(server_name: str) -> str:
    """The account by which the server speaks."""
    return f"@{NAME}:{server_name}"


def screen(server_name: str) -> Screen:
    """Refuses to let anybody decline what the server has to tell them."""
    inviter = speaker(server_name)

    def check(state: State, draft: Draft) -> None:
        if draft.type != MEMBER or draft.state_key != draft.sender:
            return
        invited = state.get(MEMBER, draft.sender)
        if invited is None or invited.sender != inviter or invited.membership != "invite":
            return
        if draft.content.get("membership") != "join":
            raise CannotLeaveServerNoticeRoom

    return check


class Notices:
    """Tells people things."""

    def __init__(
        self,
        log: Log,
        database: Database,
        accounts: Accounts,
        profiles: Profiles,
        preferences: Preferences,
        rooms: Rooms,
        membership: Membership,
    ) -> None:
        self._log = log
        self._database = database
        self._accounts = accounts
        self._profiles = profiles
        self._preferences = preferences
        self._rooms = rooms
        self._membership = membership
        self._speaker = speaker(accounts.server_name)
        self._finding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def send(
        self, user_id: str, content: dict[str, Any], transaction_id: str | None = None
    ) -> str:
        """Tell somebody something; the event's id. Raises NotFound.

        The same transaction id tells the same person the same thing once.
        """
        if user_id == self._speaker or not await self._accounts.active(user_id):
            raise NotFound("There is no such user here.")
        async with self._finding.setdefault(user_id, asyncio.Lock()):
            room_id = await self._room(user_id)
        await self._bring_in(user_id, room_id)
        notice = Draft(
            room_id=room_id,
            sender=self._speaker,
            type="m.room.message",
            content=content,
            txn_id=transaction_id,
        )
        return (await self._log.append(notice)).event_id

    async def _room(self, user_id: str) -> str:
        """The room of this person, made if there is none yet."""
        if (row := await self._database.one(FIND, user_id=user_id)) is not None:
            return str(row[0])
        await self._be_there()
        wish = Wish(
            preset="private_chat", name=TITLE, power_level_content_override={"users_default": -10}
        )
        # Nobody is invited before it is clear that this is the room: there is one only.
        room_id = await self._rooms.create(self._speaker, wish)
        await self._database.write(sql(CLAIM, user_id=user_id, room_id=room_id))
        row = await self._database.one(FIND, user_id=user_id)
        return str(row[0]) if row else room_id

    async def _be_there(self) -> None:
        """Have the account by which the server speaks."""
        with suppress(UserInUse):
            await self._accounts.register(self._speaker, "")
        await self._profiles.set(self._speaker, DISPLAY_NAME, TITLE)

    async def _bring_in(self, user_id: str, room_id: str) -> None:
        if TAG not in await self._preferences.tags(user_id, room_id):
            await self._preferences.tag(user_id, room_id, TAG, {})
        state = await self._log.history.states.of(room_id, (user_id,))
        if state.membership(user_id) not in ("join", "invite"):
            await self._membership.invite(room_id, self._speaker, user_id)
