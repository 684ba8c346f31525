"""The kinds of room and everything in which they differ: the one table.

A kind is read off the room itself (its type and its join rule), never stored beside it.
"""

from typing import Any

from msgspec import Struct

from qingxin.log.access import State, join_rule

SPACE = "m.space"
PUBLIC_ACCOUNT = "org.matrix.msc4501.social.profile"
MOMENTS = "qingxin.moments"


class Kind(Struct, frozen=True):
    """One row: what a room of this kind is born with, and whether it is inspected."""

    name: str
    room_type: str | None = None
    events_default: int = 0
    history: str = "shared"
    encrypted: str = "by choice"  # by default · by choice · never
    inspected: str = "when public"  # never · when public · always


DIRECT = Kind("direct", encrypted="by default", inspected="never")
GROUP = Kind("group")
SPACE_KIND = Kind("space", SPACE, events_default=100, encrypted="never")
ACCOUNT = Kind("public account", PUBLIC_ACCOUNT, 50, "world_readable", "never", inspected="always")
CIRCLE = Kind("circle", MOMENTS, encrypted="never")
KINDS = {kind.room_type: kind for kind in (GROUP, SPACE_KIND, ACCOUNT, CIRCLE)}


def kind_of(room_type: str | None) -> Kind:
    """The kind of a room with this `m.room.create` type; strange types are groups."""
    return KINDS.get(room_type, GROUP)


def is_inspected(kind: Kind, state: State) -> bool:
    """Whether integrity may look into this room: what is private is never scanned."""
    if kind.inspected == "when public":
        return join_rule(state) == "public"
    return kind.inspected == "always"


class Preset(Struct, frozen=True):
    """A preset of /createRoom (spec: client-server-api/#creation)."""

    join_rule: str
    history: str
    guest_access: str
    invited_are_equal: bool = False


PRESETS = {
    "private_chat": Preset("invite", "shared", "can_join"),
    "trusted_private_chat": Preset("invite", "shared", "can_join", True),
    "public_chat": Preset("public", "shared", "forbidden"),
}


def first_levels(creator: str, kind: Kind, *, creator_above_all: bool) -> dict[str, Any]:
    """The power levels that a new room starts with."""
    return {
        "users": {} if creator_above_all else {creator: 100},
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50,
            "m.room.avatar": 50,
            "m.room.tombstone": 150 if creator_above_all else 100,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
        },
        "events_default": kind.events_default,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 50 if kind is not GROUP else 0,
        "historical": 100,
    }
