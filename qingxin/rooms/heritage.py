"""What a replaced room leaves to its replacement: settings, children, power levels.

Plain functions over a room's state. spec: client-server-api/#room-upgrades
"""

from collections.abc import Iterator
from typing import Any

from qingxin import ids
from qingxin.log import access
from qingxin.log.state import RoomState
from qingxin.log.versions import VERSIONS, Version
from qingxin.rooms.birth import Birth
from qingxin.rooms.kinds import SPACE
from qingxin.rooms.spaces import CHILD

LEVELS = "m.room.power_levels"
COPIED = (
    "m.room.join_rules", "m.room.history_visibility", "m.room.guest_access", "m.room.name",
    "m.room.topic", "m.room.avatar", "m.room.encryption", "m.room.server_acl",
)  # fmt: skip
QUIET = 50  # the power level that speaking in a replaced room takes at least

Content = dict[str, Any]


def settings(state: RoomState) -> Iterator[tuple[str, str, Content]]:
    """The state events to set in the replacement as they are: (type, state key, content)."""
    for (type, key), event in state.events.items():
        is_child = type == CHILD and state.type == SPACE
        if (type in COPIED and key == "") or (is_child and event.decoded()):
            yield type, key, event.decoded()


def creation(state: RoomState) -> Content:
    """What the create event says of the old room's kind, and where the room comes from."""
    create = state.get("m.room.create")
    old = create.decoded() if create else {}
    kept = {key: old[key] for key in ("type", "m.federate") if key in old}
    return kept | {"predecessor": {"room_id": state.room_id}}


def levels(state: RoomState, born: Birth) -> Content | None:
    """The power levels as the replacement's version wants them; None where there are none."""
    event, version = state.get(LEVELS), VERSIONS[born.version]
    if event is None:
        return None
    content = _whole(event.decoded()) if version.integer_levels else dict(event.decoded())
    users = content.get("users")
    users = {u: n for u, n in users.items() if ids.is_user_id(u)} if isinstance(users, dict) else {}
    return content | {"users": _users(state, users, born, version)}


def _users(state: RoomState, users: Content, born: Birth, version: Version) -> Content:
    if version.creators_rule:  # they stand above all levels, and may not be among them
        creators = {born.creator, *born.content.get("additional_creators", ())}
        return {user_id: level for user_id, level in users.items() if user_id not in creators}
    if state.version.creators_rule:  # they stood above all levels, and shall not lose by it
        return users | dict.fromkeys(access.creators(state), _highest(state))
    return users


def _highest(state: RoomState) -> int:
    """What anything in this room takes at most."""
    events = access.levels(state).get("events")
    types = events if isinstance(events, dict) else ()
    return max(100, *(access.needed(state, type, True) for type in types), 0)


def _whole(content: Content) -> Content:
    """Levels as integers (rooms/v10); what is none is left out."""
    whole: Content = {}
    for name, value in content.items():
        if isinstance(value, dict):
            inner = {key: _integer(level) for key, level in value.items()}
            whole[name] = {key: level for key, level in inner.items() if level is not None}
        elif name not in access.LEVELS:
            whole[name] = value
        elif (level := _integer(value)) is not None:
            whole[name] = level
    return whole


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value) if isinstance(value, int | str) else None
    except ValueError:
        return None


def quieted(content: Content) -> Content:
    """The levels of the old room, in which only its moderators go on speaking and inviting."""
    default = _integer(content.get("users_default", 0)) or 0
    least = max(default + 1, QUIET)
    raised = {
        name: least
        for name in ("events_default", "invite")
        if (_integer(content.get(name, 0)) or 0) < least
    }
    return content | raised
