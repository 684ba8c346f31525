"""Filters left on the server (spec: client-server-api/#filtering)."""

from collections.abc import Sequence

from qingxin.api.http import Call, decode, route
from qingxin.api.matrix.account_data import check_own
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import BadJson, NotFound
from qingxin.people.filters import Filters
from qingxin.sync.filters import Filter, RoomEvents, Rooms

LARGEST = 64 * 1024  # bytes of one filter


class FilterEndpoints:
    """Keeps filters and gives them back."""

    def __init__(self, filters: Filters) -> None:
        self._filters = filters

    @route("POST", *also_r0("/_matrix/client/v3/user/{user_id}/filter"), limit="preferences")
    async def keep(self, call: Call, user_id: str) -> dict[str, str]:
        check_own(call, user_id)
        body = await call.body(LARGEST)
        check(decode(body, Filter))
        return {"filter_id": await self._filters.keep(user_id, body)}

    @route("GET", *also_r0("/_matrix/client/v3/user/{user_id}/filter/{filter_id}"))
    async def get(self, call: Call, user_id: str, filter_id: str) -> bytes:
        check_own(call, user_id)
        content = await self._filters.get(user_id, filter_id)
        if content is None:
            raise NotFound("You have left no such filter.")
        return content


def check(filter: Filter) -> None:
    """What the types do not say of a filter: what its ids look like. Raises BadJson."""
    if filter.event_format not in ("client", "federation"):
        raise BadJson("event_format is client or federation.")
    room = filter.room
    pieces = (room.timeline, room.state, room.ephemeral, room.account_data)
    for of_rooms in (room, *pieces):
        _check_rooms(of_rooms)
    for events in (filter.presence, filter.account_data, *pieces):
        _check_ids("@", events.senders or [], events.not_senders)


def _check_rooms(of_rooms: Rooms | RoomEvents) -> None:
    _check_ids("!", of_rooms.rooms or [], of_rooms.not_rooms)


def _check_ids(sigil: str, *lists: Sequence[str]) -> None:
    for each in lists:
        for identifier in each:
            if not identifier.startswith(sigil):
                raise BadJson(f"{identifier} does not begin with {sigil}.")
