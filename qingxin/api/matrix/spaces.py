"""The rooms of a space (spec: client-server-api/#get_matrixclientv1roomsroomidhierarchy)."""

from typing import Any

import msgspec

from qingxin.api.http import Call, encode, route
from qingxin.log.event import stripped
from qingxin.rooms.spaces import DEEPEST, MOST, Leaf, Spaces, Tree


class SpaceEndpoints:
    """Shows trees of rooms."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces

    @route(
        "GET",
        "/_matrix/client/v1/rooms/{room_id}/hierarchy",
        "/_matrix/client/unstable/org.matrix.msc2946/rooms/{room_id}/hierarchy",
    )
    async def hierarchy(self, call: Call, room_id: str) -> dict[str, Any]:
        tree = Tree(
            user_id=call.caller.user_id,
            root=room_id,
            max_depth=call.number("max_depth", DEEPEST, most=DEEPEST),
            suggested_only=call.flag("suggested_only"),
        )
        limit = call.number("limit", MOST, least=1, most=MOST)
        leaves, after = await self._spaces.page(tree, call.query("from"), limit)
        answer: dict[str, Any] = {"rooms": [_shown(leaf) for leaf in leaves]}
        return answer | ({"next_batch": after} if after else {})


def _shown(leaf: Leaf) -> msgspec.Raw:
    """A summary with the children added (spec: SpaceHierarchyRoomsChunk)."""
    children = b",".join(
        stripped(event)[:-1] + b',"origin_server_ts":%d}' % event.ts for event in leaf.children
    )
    return msgspec.Raw(encode(leaf.summary)[:-1] + b',"children_state":[%s]}' % children)
