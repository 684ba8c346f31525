"""How a room begins: its version, its creators, its create event and the id it gets by that.

spec: client-server-api/#mroomcreate, rooms/v11, rooms/v12
"""

from typing import Any

from msgspec import Struct

from qingxin import ids
from qingxin.errors import InvalidParam, UnsupportedRoomVersion
from qingxin.log.event import Draft
from qingxin.log.speech import Founding
from qingxin.log.versions import DEFAULT, VERSIONS, Version


class Birth(Struct, frozen=True):
    """A room about to be made. In version 12 the create event's id is known beforehand."""

    room_id: str
    version: str
    creator: str
    content: dict[str, Any]
    event_id: str | None = None

    def draft(self, type: str, key: str, content: dict[str, Any]) -> Draft:
        """One of the room's first state events."""
        draft = Draft(
            room_id=self.room_id, sender=self.creator, type=type, state_key=key, content=content
        )
        if (type, key) == ("m.room.create", ""):
            draft.event_id = self.event_id
        return draft

    def founding(self) -> Founding:
        room_type = self.content.get("type")
        return Founding(
            self.room_id, self.version, room_type if isinstance(room_type, str) else None
        )


def birth(creator: str, wished: dict[str, Any], version: Version, server_name: str) -> Birth:
    """The birth of a room whose create event says, beside what it must, what was `wished`."""
    content = {**wished, "room_version": version.name}
    content.pop("creator", None)
    if not version.modern_redaction:
        content["creator"] = creator
    if not version.id_from_create:
        return Birth(f"!{ids.opaque()}:{server_name}", version.name, creator, content)
    event_id = ids.random_event_id()
    return Birth("!" + event_id[1:], version.name, creator, content, event_id)


def version_named(name: str | None) -> Version:
    """The version of that name, or the default one. Raises UnsupportedRoomVersion."""
    version = VERSIONS.get(name or DEFAULT)
    if version is None:
        raise UnsupportedRoomVersion(f"There is no room version {name!r} here.")
    return version


def creators_among(more: Any) -> list[str]:
    """`additional_creators`, each once. Raises InvalidParam."""
    if not isinstance(more, list) or not all(
        isinstance(u, str) and ids.is_user_id(u) for u in more
    ):
        raise InvalidParam("additional_creators is a list of user ids.")
    return list(dict.fromkeys(more))
