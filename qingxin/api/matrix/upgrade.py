"""Replacing a room (spec: client-server-api/#post_matrixclientv3roomsroomidupgrade)."""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.rooms.upgrade import Upgrades


class Wish(Struct, frozen=True):
    """Body of POST /rooms/{room_id}/upgrade."""

    new_version: str
    additional_creators: list[str] = []


class UpgradeEndpoint:
    """Replaces rooms."""

    def __init__(self, upgrades: Upgrades) -> None:
        self._upgrades = upgrades

    @route("POST", *also_r0("/_matrix/client/v3/rooms/{room_id}/upgrade"), limit="create")
    async def upgrade(self, call: Call, room_id: str) -> dict[str, Any]:
        wish = await call.json(Wish)
        new = await self._upgrades.upgrade(
            room_id, call.caller.user_id, wish.new_version, wish.additional_creators
        )
        return {"replacement_room": new}
