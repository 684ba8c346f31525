"""Room versions as clients see them: what may be said, and what a redaction keeps.

Without federation a version is a handful of switches.
spec: rooms/v6 … rooms/v12
"""

from typing import Any

from msgspec import Struct

DEFAULT = "11"


class Version(Struct, frozen=True):
    """What distinguishes one room version from another."""

    name: str
    knocking: bool = True  # v7
    restricted: bool = True  # v8
    knock_restricted: bool = True  # v10
    integer_levels: bool = True  # v10: power levels are integers, never strings
    modern_redaction: bool = True  # v11: creator implicit, `redacts` in content
    creators_rule: bool = False  # v12: creators stand above every power level
    id_from_create: bool = False  # v12: the room id is the create event's


VERSIONS = {
    version.name: version
    for version in (
        Version("6", False, False, False, False, False),
        Version("7", True, False, False, False, False),
        Version("8", True, True, False, False, False),
        Version("9", True, True, False, False, False),
        Version("10", modern_redaction=False),
        Version("11"),
        Version("12", creators_rule=True, id_from_create=True),
    )
}

KEPT: dict[str, tuple[str, ...]] = {
    "m.room.member": ("membership", "join_authorised_via_users_server"),
    "m.room.join_rules": ("join_rule", "allow"),
    "m.room.power_levels": (
        "ban", "events", "events_default", "kick", "redact", "state_default", "users",
        "users_default",
    ),
    "m.room.history_visibility": ("history_visibility",),
}  # fmt: skip


def redacted(version: Version, type: str, content: dict[str, Any]) -> dict[str, Any]:
    """What is left of a content after a redaction (spec: client-server-api/#redactions)."""
    if type == "m.room.create":
        return content if version.modern_redaction else _only(content, ("creator",))
    if version.modern_redaction:
        if type == "m.room.redaction":
            return _only(content, ("redacts",))
        if type == "m.room.power_levels":
            return _only(content, (*KEPT[type], "invite"))
        if type == "m.room.member":
            return _only(content, KEPT[type]) | _signed_invite(content)
    return _only(content, KEPT.get(type, ()))


def _only(content: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: content[key] for key in keys if key in content}


def _signed_invite(content: dict[str, Any]) -> dict[str, Any]:
    invite = content.get("third_party_invite")
    if isinstance(invite, dict) and "signed" in invite:
        return {"third_party_invite": {"signed": invite["signed"]}}
    return {}
