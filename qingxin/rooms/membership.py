"""Coming and going: join, invite, leave, knock, kick, ban, forget.

spec: client-server-api/#room-membership
"""

from typing import Any

from qingxin import ids
from qingxin.errors import BadJson, Forbidden, InvalidParam, MatrixError, NotFound
from qingxin.log import access
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.log.state import RoomState
from qingxin.people.accounts import Accounts
from qingxin.people.profiles import Profiles
from qingxin.store.database import Database, Write, sql
from qingxin.store.line import Record

FORGET = """
    INSERT INTO forgotten (user_id, room_id, position) VALUES (:user_id, :room_id, :position)
    ON CONFLICT (user_id, room_id) DO UPDATE SET position = excluded.position
"""
FORGOTTEN = "SELECT room_id, position FROM forgotten WHERE user_id = :user_id"
KEPT = ("displayname", "avatar_url")  # of a profile, in every membership


def member_content(membership: str, profile: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Content of a member event: the membership and the face that goes with it."""
    face = {key: profile[key] for key in KEPT if isinstance(profile.get(key), str)}
    return {**face, "membership": membership, **{k: v for k, v in more.items() if v is not None}}


class Membership:
    """Who is in which room."""

    def __init__(
        self, log: Log, database: Database, accounts: Accounts, profiles: Profiles
    ) -> None:
        self._log = log
        self._states = log.history.states
        self._database = database
        self._accounts = accounts
        self._profiles = profiles

    async def join(
        self,
        room_id: str,
        user_id: str,
        *,
        reason: str | None = None,
        content: dict[str, Any] | None = None,
    ) -> None:
        """Enter a room; nothing happens to those who are in it."""
        state = await self._states.of(room_id, (user_id,))
        if state.membership(user_id) == "join" and content is None:
            return
        face = content if content is not None else await self._profiles.of(user_id)
        full = (content or {}) | member_content("join", face, reason=reason)
        full.pop("join_authorised_via_users_server", None)
        if voucher := await self._voucher(state, user_id):
            full["join_authorised_via_users_server"] = voucher
        await self._set(room_id, user_id, user_id, full)

    async def invite(
        self,
        room_id: str,
        inviter: str,
        user_id: str,
        *,
        reason: str | None = None,
        is_direct: bool = False,
    ) -> None:
        if not ids.is_user_id(user_id):
            raise InvalidParam(f"{user_id!r} is no user id.")
        await self.check_exists(user_id)
        profile = await self._profiles.of(user_id)
        direct = True if is_direct else None
        await self._set(
            room_id,
            inviter,
            user_id,
            member_content("invite", profile, reason=reason, is_direct=direct),
        )

    async def leave(self, room_id: str, user_id: str, *, reason: str | None = None) -> None:
        """Go; nothing happens to those who have left already."""
        state = await self._states.of(room_id, (user_id,))
        if state.members.get(user_id) is not None and state.membership(user_id) == "leave":
            return
        await self._set(room_id, user_id, user_id, member_content("leave", {}, reason=reason))

    async def kick(
        self, room_id: str, kicker: str, user_id: str, *, reason: str | None = None
    ) -> None:
        state = await self._states.of(room_id, (user_id, kicker))
        if state.membership(user_id) not in ("join", "invite", "knock"):
            raise Forbidden(f"{user_id} is not in this room.")
        await self._set(room_id, kicker, user_id, member_content("leave", {}, reason=reason))

    async def ban(
        self, room_id: str, banner: str, user_id: str, *, reason: str | None = None
    ) -> None:
        state = await self._states.of(room_id, (user_id,))
        before = state.get(MEMBER, user_id)
        face = before.decoded() if before is not None else {}
        await self._set(room_id, banner, user_id, member_content("ban", face, reason=reason))

    async def unban(
        self, room_id: str, unbanner: str, user_id: str, *, reason: str | None = None
    ) -> None:
        state = await self._states.of(room_id, (user_id, unbanner))
        if state.membership(user_id) != "ban":
            raise Forbidden(f"{user_id} is not banned here.")
        await self._set(room_id, unbanner, user_id, member_content("leave", {}, reason=reason))

    async def knock(self, room_id: str, user_id: str, *, reason: str | None = None) -> None:
        state = await self._states.of(room_id, (user_id,))
        if state.membership(user_id) == "knock":
            return
        profile = await self._profiles.of(user_id)
        await self._set(room_id, user_id, user_id, member_content("knock", profile, reason=reason))

    async def change(
        self, room_id: str, sender: str, target: str, content: dict[str, Any]
    ) -> Event:
        """A member event set through the state endpoint."""
        if content.get("membership") == "join" and sender == target:
            state = await self._states.of(room_id, (sender,))
            if state.membership(sender) != "join":
                content = {
                    k: v for k, v in content.items() if k != "join_authorised_via_users_server"
                }
                if voucher := await self._voucher(state, sender):
                    content = content | {"join_authorised_via_users_server": voucher}
        if content.get("membership") == "invite":
            await self.check_exists(target)
        return await self._set(room_id, sender, target, content)

    async def check_exists(self, user_id: str) -> None:
        """Raises NotFound for somebody who has no account here."""
        if not await self._accounts.exists(user_id):
            raise NotFound(f"There is no {user_id} here.")

    async def forget(self, room_id: str, user_id: str) -> None:
        """Let a room that was left vanish from sight. Raises for rooms one is still in."""
        state = await self._states.of(room_id, (user_id,))
        if state.membership(user_id) in ("join", "invite"):
            raise MatrixError("Leave the room before you forget it.")
        if state.members.get(user_id) is None:
            raise NotFound("You have never been in this room.")

        def writes(number: int) -> list[Write]:
            return [sql(FORGET, user_id=user_id, room_id=room_id, position=number)]

        await self._log.line.append(Record(writes, user_id=user_id))

    async def forgotten(self, user_id: str) -> dict[str, int]:
        """Rooms this user has forgotten, and where in the line that was."""
        return dict(await self._database.all(FORGOTTEN, user_id=user_id))

    async def _set(self, room_id: str, sender: str, target: str, content: dict[str, Any]) -> Event:
        if not ids.is_user_id(target):
            raise BadJson(f"{target!r} is no user id.")
        return await self._log.append(
            Draft(room_id=room_id, sender=sender, type=MEMBER, state_key=target, content=content)
        )

    async def _voucher(self, state: RoomState, user_id: str) -> str | None:
        """A member who may invite, where a neighbouring room lets this user in.

        spec: client-server-api/#restricted-rooms
        """
        if access.join_rule(state) not in ("restricted", "knock_restricted"):
            return None
        if state.membership(user_id) in ("invite", "join") or not state.version.restricted:
            return None
        if not await self.is_neighbour(state, user_id):
            return None
        return await self._inviter(state)

    async def is_neighbour(self, state: RoomState, user_id: str) -> bool:
        """Whether the user is in one of the rooms whose members may join."""
        rules = state.get("m.room.join_rules")
        allow = rules.decoded().get("allow") if rules else None
        for condition in allow if isinstance(allow, list) else ():
            if not isinstance(condition, dict) or condition.get("type") != "m.room_membership":
                continue
            try:
                other = await self._states.of(str(condition.get("room_id")), (user_id,))
            except NotFound:
                continue
            if other.membership(user_id) == "join":
                return True
        return False

    async def _inviter(self, state: RoomState) -> str | None:
        users = access.levels(state).get("users")
        named = users if isinstance(users, dict) else {}
        strongest = sorted(named, key=lambda user_id: -access.power(state, user_id))
        candidates: list[str] = [*access.creators(state), *strongest]
        candidates += await self._log.history.first_members(state.room_id, ("join",), 20)
        await self._states.of(state.room_id, candidates)
        needed = access.level(state, "invite")
        for user_id in candidates:
            if state.membership(user_id) == "join" and access.power(state, user_id) >= needed:
                return user_id
        return None
