"""Replacing a room by one of another version, with everything that can be carried over.

It is one promised job: whatever interrupts it, it is finished later, so every step can be
repeated. spec: client-server-api/#room-upgrades
"""

import asyncio
import logging
from typing import Any

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.errors import BadRequest, Forbidden, InvalidParam, MatrixError, NotFound
from qingxin.jobs import Jobs
from qingxin.log import access
from qingxin.log.access import State
from qingxin.log.append import Log
from qingxin.log.event import MEMBER, Draft
from qingxin.log.state import RoomState
from qingxin.people.profiles import Profiles
from qingxin.rooms import heritage
from qingxin.rooms.birth import Birth, birth, creators_among, version_named
from qingxin.rooms.directory import Directory
from qingxin.rooms.heritage import LEVELS
from qingxin.rooms.listing import Listing
from qingxin.rooms.membership import member_content
from qingxin.rooms.moving import Moving
from qingxin.store.database import ConstraintViolated

UPGRADE = "upgrade-room"
TOMBSTONE = "m.room.tombstone"
CANONICAL = "m.room.canonical_alias"
MOST_BANS = 10_000

logger = logging.getLogger("qingxin.rooms")


class Plan(Struct, frozen=True):
    """A replacement on its way: the room to be made, and the tombstone of the old one."""

    old: str
    born: Birth
    tombstone: str  # the event's id, known before it is said

    @property
    def new(self) -> str:
        return self.born.room_id

    @property
    def user_id(self) -> str:
        return self.born.creator


class Upgrades:
    """Replaces rooms."""

    def __init__(
        self,
        log: Log,
        profiles: Profiles,
        directory: Directory,
        listing: Listing,
        moving: Moving,
        jobs: Jobs,
        *,
        server_name: str,
    ) -> None:
        self._log = log
        self._states = log.history.states
        self._profiles = profiles
        self._directory = directory
        self._listing = listing
        self._moving = moving
        self._jobs = jobs
        self._server_name = server_name
        self._under_way: dict[str, tuple[str, asyncio.Task[str]]] = {}  # room → by whom
        jobs.on(UPGRADE, self._resume)

    async def upgrade(
        self, room_id: str, user_id: str, new_version: str, additional_creators: list[str]
    ) -> str:
        """Replace a room; the new one's id. Whoever asks twice at once gets one replacement.

        Raises Forbidden, NotFound, UnsupportedRoomVersion, BadRequest.
        """
        if room_id in self._under_way:
            other, task = self._under_way[room_id]
            if other != user_id:
                raise BadRequest("Somebody else is replacing this room at this moment.")
            return await asyncio.shield(task)
        wish = self._upgrade(room_id, user_id, new_version, additional_creators)
        task = asyncio.create_task(wish)
        self._under_way[room_id] = user_id, task
        task.add_done_callback(lambda _: self._under_way.pop(room_id))
        return await asyncio.shield(task)

    async def _upgrade(
        self, room_id: str, user_id: str, new_version: str, additional_creators: list[str]
    ) -> str:
        plan = await self._plan(room_id, user_id, new_version, additional_creators)
        state = await self._states.of(room_id, (user_id,))
        access.check(state, _tombstone(plan))
        payload = {"plan": msgspec.to_builtins(plan)}
        async with self._jobs.promise(UPGRADE, payload, key=plan.new):
            await self._carry_out(plan)
        return plan.new

    async def _plan(
        self, room_id: str, user_id: str, new_version: str, additional_creators: list[str]
    ) -> Plan:
        version, tombstone = version_named(new_version), ids.random_event_id()
        content = heritage.creation(await self._states.of(room_id))
        if version.creators_rule:
            if more := creators_among(additional_creators):
                content["additional_creators"] = more
        if not version.id_from_create:
            content["predecessor"]["event_id"] = tombstone
        return Plan(room_id, birth(user_id, content, version, self._server_name), tombstone)

    async def _resume(self, plan: dict[str, Any]) -> None:
        """Finish what was interrupted, unless it has become impossible."""
        try:
            await self._carry_out(msgspec.convert(plan, Plan))
        except MatrixError as error:
            if error.status >= 500:
                raise
            logger.warning("The upgrade of %s was given up: %s", plan["old"], error)

    async def _carry_out(self, plan: Plan) -> None:
        await self._found(plan)
        if await self._log.history.find(plan.tombstone) is None:
            await self._log.append(_tombstone(plan))
        await self._move_names(plan)
        await self._quiet(plan)
        await self._moving.move(plan.old, plan.new)

    async def _found(self, plan: Plan) -> None:
        """Make the new room, unless that was done already."""
        try:
            await self._states.of(plan.new)
        except NotFound:
            drafts = await self._drafts(plan)
            try:
                await self._log.append_all(drafts, plan.born.founding())
            except ConstraintViolated:
                await self._states.of(plan.new)  # somebody else was quicker

    async def _drafts(self, plan: Plan) -> list[Draft]:
        """The new room's first events. The levels come last, for until then all is allowed."""
        state, draft = await self._states.of(plan.old), plan.born.draft
        face = member_content("join", await self._profiles.of(plan.user_id))
        drafts = [
            draft("m.room.create", "", plan.born.content),
            draft(MEMBER, plan.user_id, face),
            *(draft(type, key, content) for type, key, content in heritage.settings(state)),
            *(draft(MEMBER, user_id, ban) for user_id, ban in (await self._bans(state)).items()),
        ]
        if (levels := heritage.levels(state, plan.born)) is not None:
            drafts.append(draft(LEVELS, "", levels))
        return drafts

    async def _bans(self, state: RoomState) -> dict[str, dict[str, Any]]:
        banned = await self._log.history.first_members(state.room_id, ("ban",), MOST_BANS)
        await self._states.of(state.room_id, banned)
        members = {user_id: state.get(MEMBER, user_id) for user_id in banned}
        return {user_id: event.decoded() for user_id, event in members.items() if event}

    async def _move_names(self, plan: Plan) -> None:
        """Aliases and the place on the public list now lead to the new room."""
        await self._directory.move(plan.old, plan.new)
        if await self._listing.has(plan.old):
            await self._listing.add(plan.new)
            await self._listing.remove(plan.old)
        claim = (await self._states.of(plan.old)).get(CANONICAL)
        if claim is not None and claim.decoded():
            await self._set(plan, plan.new, CANONICAL, claim.decoded())
            await self._set(plan, plan.old, CANONICAL, {})

    async def _quiet(self, plan: Plan) -> None:
        """Let only moderators go on speaking in the old room."""
        levels = access.levels(await self._states.of(plan.old))
        if levels and (quieted := heritage.quieted(levels)) != levels:
            await self._set(plan, plan.old, LEVELS, quieted)

    async def _set(self, plan: Plan, room_id: str, type: str, content: dict[str, Any]) -> None:
        """Set state, where whoever upgrades may."""
        draft = Draft(
            room_id=room_id, sender=plan.user_id, type=type, state_key="", content=content
        )
        try:
            await self._log.append(draft)
        except Forbidden as refusal:
            logger.info("%s stays as it is in %s: %s", type, room_id, refusal)


def _tombstone(plan: Plan) -> Draft:
    content = {"body": "This room has been replaced.", "replacement_room": plan.new}
    return Draft(
        room_id=plan.old, sender=plan.user_id, type=TOMBSTONE, state_key="", content=content,
        event_id=plan.tombstone,
    )  # fmt: skip


def screen(state: State, draft: Draft) -> None:
    """A room cannot be its own replacement. Raises InvalidParam."""
    if draft.type == TOMBSTONE and draft.content.get("replacement_room") == draft.room_id:
        raise InvalidParam("A room cannot be replaced by itself.")
