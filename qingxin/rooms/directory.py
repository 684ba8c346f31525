"""The names that lead to rooms (spec: client-server-api/#room-aliases)."""

from typing import Any

from qingxin import ids
from qingxin.errors import AliasTaken, BadAlias, Forbidden, InvalidParam, NotFound, RoomInUse
from qingxin.log import access
from qingxin.log.append import Log
from qingxin.log.event import Draft
from qingxin.log.state import RoomState
from qingxin.store.database import Database, NothingReturned, must, sql

POINT = """
    INSERT INTO aliases (alias, room_id, creator) VALUES (:alias, :room_id, :creator)
    ON CONFLICT (alias) DO NOTHING RETURNING alias
"""
FIND = "SELECT room_id, creator FROM aliases WHERE alias = :alias"
OF_ROOM = "SELECT alias FROM aliases WHERE room_id = :room_id ORDER BY alias"
MOVE = "UPDATE aliases SET room_id = :new WHERE room_id = :old"
REMOVE = "DELETE FROM aliases WHERE alias = :alias"


class Directory:
    """Aliases."""

    def __init__(self, log: Log, database: Database, server_name: str) -> None:
        self._log = log
        self._states = log.history.states
        self._database = database
        self._server_name = server_name

    async def room_of(self, alias: str) -> str:
        """The room that an alias leads to. Raises NotFound, InvalidParam."""
        if not ids.is_alias(alias):
            raise InvalidParam(f"{alias!r} is no room alias: it looks like #name:server.")
        row = await self._database.one(FIND, alias=alias)
        if row is None:
            raise NotFound(f"No room is called {alias}.")
        return str(row[0])

    async def resolve(self, room: str) -> str:
        """A room id, or what an alias leads to."""
        return await self.room_of(room) if room.startswith("#") else room

    async def check_free(self, alias: str) -> None:
        if await self._database.one(FIND, alias=alias):
            raise RoomInUse(f"{alias} is taken.")

    async def point(self, alias: str, room_id: str, creator: str) -> None:
        """Let `alias` lead to a room. Raises RoomInUse."""
        try:
            await self._database.write(must(POINT, alias=alias, room_id=room_id, creator=creator))
        except NothingReturned:
            raise RoomInUse(f"{alias} is taken.") from None

    async def name(self, alias: str, room_id: str, user_id: str) -> None:
        """Give a room one more alias. Raises InvalidParam, Forbidden, AliasTaken."""
        if not ids.is_alias(alias) or ids.server_of(alias) != self._server_name:
            raise InvalidParam(f"An alias here looks like #name:{self._server_name}.")
        try:
            state = await self._states.of(room_id, (user_id,))
        except NotFound:
            raise InvalidParam("There is no such room.") from None
        if state.membership(user_id) != "join":
            raise Forbidden("Only its members may give a room an alias.")
        try:
            await self.point(alias, room_id, user_id)
        except RoomInUse as taken:
            raise AliasTaken(taken.message) from None

    async def aliases(self, room_id: str) -> list[str]:
        return [row[0] for row in await self._database.all(OF_ROOM, room_id=room_id)]

    async def move(self, old: str, new: str) -> None:
        """Let every alias of one room lead to another."""
        await self._database.write(sql(MOVE, old=old, new=new))

    async def remove(self, alias: str, user_id: str) -> None:
        """Take an alias away: its maker may, and who may name the room."""
        row = await self._database.one(FIND, alias=alias)
        if row is None:
            raise NotFound(f"No room is called {alias}.")
        room_id, creator = row
        state = await self._states.of(room_id, (user_id,))
        if creator != user_id and not _may(state, user_id, "m.room.canonical_alias"):
            raise Forbidden("Only its maker or the room's moderators may remove an alias.")
        await self._database.write(sql(REMOVE, alias=alias))
        await self._drop_canonical(state, alias, user_id)

    async def _drop_canonical(self, state: RoomState, alias: str, user_id: str) -> None:
        """The room no longer claims an alias that is gone."""
        event = state.get("m.room.canonical_alias")
        content = dict(event.decoded()) if event else {}
        others = content.get("alt_aliases")
        if content.get("alias") == alias:
            del content["alias"]
        elif not (isinstance(others, list) and alias in others):
            return
        if isinstance(others, list):
            content["alt_aliases"] = [other for other in others if other != alias]
        try:
            await self._log.append(
                Draft(
                    room_id=state.room_id,
                    sender=user_id,
                    type="m.room.canonical_alias",
                    state_key="",
                    content=content,
                )
            )
        except Forbidden:
            pass  # its maker may remove the alias without the power to rename the room

    async def check_claims(self, room_id: str, content: dict[str, Any]) -> None:
        """Every alias a room newly claims leads to it. Raises BadAlias, InvalidParam."""
        state = await self._states.of(room_id)
        event = state.get("m.room.canonical_alias")
        before = _claimed(event.decoded()) if event else set()
        for alias in _claimed(content) - before:
            if not isinstance(alias, str) or not ids.is_alias(alias):
                raise InvalidParam(f"{alias!r} is no room alias.")
            row = await self._database.one(FIND, alias=alias)
            if row is None or row[0] != room_id:
                raise BadAlias(f"{alias} does not lead to this room.")


def _may(state: RoomState, user_id: str, type: str) -> bool:
    inside = state.membership(user_id) == "join"
    return inside and access.power(state, user_id) >= access.needed(state, type, True)


def _claimed(content: dict[str, Any]) -> set[Any]:
    others = content.get("alt_aliases", [])
    if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
        raise InvalidParam("alt_aliases is a list of aliases.")
    alias = content.get("alias")
    return (
        {*others, *([alias] if alias else [])} if isinstance(alias, str | None) else {repr(alias)}
    )
