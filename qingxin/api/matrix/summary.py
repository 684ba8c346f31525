"""One room in brief (spec: client-server-api/#get_matrixclientv1room_summaryroomidoralias)."""

from typing import Any

import msgspec

from qingxin.api.http import Call, Who, route
from qingxin.errors import InvalidParam
from qingxin.rooms.directory import Directory
from qingxin.rooms.summary import Summaries, summarise

UNSTABLE = "/_matrix/client/unstable/im.nheko.summary"


class SummaryEndpoints:
    """Shows a room to those who might join it, and without an account what is open to all."""

    def __init__(self, summaries: Summaries, directory: Directory) -> None:
        self._summaries = summaries
        self._directory = directory

    @route(
        "GET",
        "/_matrix/client/v1/room_summary/{room}",
        f"{UNSTABLE}/summary/{{room}}",
        f"{UNSTABLE}/rooms/{{room}}/summary",
        who=Who.MAYBE,
    )
    async def summary(self, call: Call, room: str) -> dict[str, Any]:
        if not room.startswith(("!", "#")):
            raise InvalidParam("A room is called by its id (!…) or by an alias (#…).")
        room_id = await self._directory.resolve(room)
        user_id = call.maybe_caller.user_id if call.maybe_caller else None
        state = await self._summaries.visible(room_id, user_id)
        answer: dict[str, Any] = msgspec.to_builtins(summarise(state))
        if user_id is not None:
            answer["membership"] = state.membership(user_id)
        return answer
