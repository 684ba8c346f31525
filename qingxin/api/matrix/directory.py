"""Finding rooms: by an alias, and on the public list.

spec: client-server-api/#room-aliases, #published-room-directory
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.errors import Forbidden, InvalidParam, NotFound
from qingxin.log.state import RoomState, States
from qingxin.rooms.directory import Directory
from qingxin.rooms.listing import MOST, Listing, Page, Place, Wanted
from qingxin.rooms.summary import is_world_readable

V3 = "/_matrix/client/v3"
ALIAS = f"{V3}/directory/room/{{alias}}"
LISTED = f"{V3}/directory/list/room/{{room_id}}"
ALIASES = "rooms/{room_id}/aliases"


class Target(Struct, frozen=True):
    """Body of PUT /directory/room."""

    room_id: str


class Visibility(Struct, frozen=True):
    """Body of PUT /directory/list/room."""

    visibility: Literal["public", "private"] = "public"


class Filter(Struct, frozen=True):
    """Which rooms of the list."""

    generic_search_term: str | None = None
    room_types: list[str | None] | None = None


class Search(Struct, frozen=True):
    """Body of POST /publicRooms."""

    limit: Annotated[int, Meta(ge=0)] | None = None
    since: str | None = None
    filter: Filter | None = None


class DirectoryEndpoints:
    """Aliases and the public list."""

    def __init__(
        self, states: States, directory: Directory, listing: Listing, server_name: str
    ) -> None:
        self._states = states
        self._directory = directory
        self._listing = listing
        self._server_name = server_name

    @route("GET", *also_r0(ALIAS), who=Who.ANYONE)
    async def find(self, call: Call, alias: str) -> dict[str, Any]:
        room_id = await self._directory.room_of(alias)
        return {"room_id": room_id, "servers": [self._server_name]}

    @route("PUT", *also_r0(ALIAS), limit="state")
    async def name(self, call: Call, alias: str) -> None:
        body = await call.json(Target)
        await self._directory.name(alias, body.room_id, call.caller.user_id)

    @route("DELETE", *also_r0(ALIAS), limit="state")
    async def remove(self, call: Call, alias: str) -> None:
        await self._directory.remove(alias, call.caller.user_id)

    @route(
        "GET",
        *also_r0(f"{V3}/{ALIASES}"),
        f"/_matrix/client/unstable/org.matrix.msc2432/{ALIASES}",
    )
    async def aliases(self, call: Call, room_id: str) -> dict[str, Any]:
        state = await self._state(room_id, call.caller.user_id)
        if state.membership(call.caller.user_id) != "join" and not is_world_readable(state):
            raise Forbidden("You are not in this room.")
        return {"aliases": await self._directory.aliases(room_id)}

    async def _state(self, room_id: str, user_id: str) -> RoomState:
        try:
            return await self._states.of(room_id, (user_id,))
        except NotFound:
            raise Forbidden("You are not in this room.") from None

    @route("GET", *also_r0(LISTED), who=Who.ANYONE)
    async def visibility(self, call: Call, room_id: str) -> dict[str, Any]:
        await self._states.of(room_id)
        return {"visibility": "public" if await self._listing.has(room_id) else "private"}

    @route("PUT", *also_r0(LISTED), limit="state")
    async def publish(self, call: Call, room_id: str) -> None:
        body = await call.json(Visibility, empty=True)
        listed = body.visibility == "public"
        await self._listing.publish(room_id, call.caller.user_id, listed)

    @route("GET", *also_r0(f"{V3}/publicRooms"), who=Who.ANYONE)
    async def public(self, call: Call) -> dict[str, Any]:
        limit = call.number("limit", MOST, most=MOST)
        return await self._page(call, Search(limit, call.query("since")))

    @route("POST", *also_r0(f"{V3}/publicRooms"), limit="search")
    async def search(self, call: Call) -> dict[str, Any]:
        return await self._page(call, await call.json(Search, empty=True))

    async def _page(self, call: Call, search: Search) -> dict[str, Any]:
        if call.query("server", self._server_name) != self._server_name:
            raise NotFound("This server shows its own rooms only: it knows no others.")
        place = Place.parse(search.since) if search.since else None
        # As in Synapse, 0 is no limit of the client's own.
        limit = min(search.limit or MOST, MOST)
        return _shown(await self._listing.page(_wanted(search.filter), place, limit))


def _wanted(chosen: Filter | None) -> Wanted:
    if chosen is None:
        return Wanted()
    check_text(chosen.generic_search_term, "generic_search_term")
    types = chosen.room_types
    if types is not None and len(types) > MOST:
        raise InvalidParam(f"room_types may have at most {MOST} entries.")
    for type in types or ():
        check_text(type, "A room type")
    return Wanted(
        chosen.generic_search_term or "",
        None if types is None else tuple(type or "" for type in types),
    )


def _shown(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = {"chunk": page.rooms, "total_room_count_estimate": page.total}
    if page.before is not None:
        answer["prev_batch"] = str(page.before)
    if page.after is not None:
        answer["next_batch"] = str(page.after)
    return answer
