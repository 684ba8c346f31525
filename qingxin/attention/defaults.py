"""The rules everyone starts with.

spec: client-server-api/#predefined-rules
"""

from typing import Any

from qingxin.attention.conditions import LOCALPART, USER_ID
from qingxin.attention.rules import Action, Kind, Rule, Rules

NOTIFY: list[Action] = ["notify"]
SOUND: Action = {"set_tweak": "sound", "value": "default"}
RING: Action = {"set_tweak": "sound", "value": "ring"}
HIGHLIGHT: Action = {"set_tweak": "highlight"}


def _matches(key: str, pattern: str) -> dict[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _default(rule_id: str, actions: list[Action], *conditions: dict[str, Any]) -> Rule:
    return Rule(rule_id, actions, default=True, conditions=list(conditions))


TWO_PEOPLE = {"kind": "room_member_count", "is": "2"}
MAY_NOTIFY_ROOM = {"kind": "sender_notification_permission", "key": "room"}
POLL = "org.matrix.msc3381.poll"
POLLS = ".org.matrix.msc3930.rule.poll"

MASTER = Rule(".m.rule.master", [], default=True, enabled=False, conditions=[])

# The three that find mentions by words left the specification in v1.17 (MSC4210), but clients
# that never heard of m.mentions still need them.
DEFAULTS: dict[Kind, list[Rule]] = {
    Kind.OVERRIDE: [
        _default(".m.rule.suppress_notices", [], _matches("content.msgtype", "m.notice")),
        _default(
            ".m.rule.invite_for_me",
            [*NOTIFY, SOUND],
            _matches("type", "m.room.member"),
            _matches("content.membership", "invite"),
            _matches("state_key", USER_ID),
        ),
        _default(".m.rule.member_event", [], _matches("type", "m.room.member")),
        _default(
            ".m.rule.is_user_mention",
            [*NOTIFY, SOUND, HIGHLIGHT],
            {
                "kind": "event_property_contains",
                "key": r"content.m\.mentions.user_ids",
                "value": USER_ID,
            },
        ),
        _default(
            ".m.rule.contains_display_name",
            [*NOTIFY, SOUND, HIGHLIGHT],
            {"kind": "contains_display_name"},
        ),
        _default(
            ".m.rule.is_room_mention",
            [*NOTIFY, HIGHLIGHT],
            {"kind": "event_property_is", "key": r"content.m\.mentions.room", "value": True},
            MAY_NOTIFY_ROOM,
        ),
        _default(
            ".m.rule.roomnotif",
            [*NOTIFY, HIGHLIGHT],
            _matches("content.body", "@room"),
            MAY_NOTIFY_ROOM,
        ),
        _default(
            ".m.rule.tombstone",
            [*NOTIFY, HIGHLIGHT],
            _matches("type", "m.room.tombstone"),
            _matches("state_key", ""),
        ),
        _default(".m.rule.reaction", [], _matches("type", "m.reaction")),
        _default(
            ".m.rule.room.server_acl",
            [],
            _matches("type", "m.room.server_acl"),
            _matches("state_key", ""),
        ),
        _default(
            ".m.rule.suppress_edits",
            [],
            {
                "kind": "event_property_is",
                "key": r"content.m\.relates_to.rel_type",
                "value": "m.replace",
            },
        ),
        _default(f"{POLLS}_response", [], _matches("type", f"{POLL}.response")),
    ],
    Kind.CONTENT: [
        Rule(
            ".m.rule.contains_user_name",
            [*NOTIFY, SOUND, HIGHLIGHT],
            default=True,
            pattern=LOCALPART,
        ),
    ],
    Kind.ROOM: [],
    Kind.SENDER: [],
    Kind.UNDERRIDE: [
        _default(".m.rule.call", [*NOTIFY, RING], _matches("type", "m.call.invite")),
        _default(
            ".m.rule.encrypted_room_one_to_one",
            [*NOTIFY, SOUND],
            TWO_PEOPLE,
            _matches("type", "m.room.encrypted"),
        ),
        _default(
            ".m.rule.room_one_to_one",
            [*NOTIFY, SOUND],
            TWO_PEOPLE,
            _matches("type", "m.room.message"),
        ),
        _default(".m.rule.message", NOTIFY, _matches("type", "m.room.message")),
        _default(".m.rule.encrypted", NOTIFY, _matches("type", "m.room.encrypted")),
        # MSC3930
        _default(
            f"{POLLS}_start_one_to_one",
            [*NOTIFY, SOUND],
            TWO_PEOPLE,
            _matches("type", f"{POLL}.start"),
        ),
        _default(f"{POLLS}_start", NOTIFY, _matches("type", f"{POLL}.start")),
        _default(
            f"{POLLS}_end_one_to_one",
            [*NOTIFY, SOUND],
            TWO_PEOPLE,
            _matches("type", f"{POLL}.end"),
        ),
        _default(f"{POLLS}_end", NOTIFY, _matches("type", f"{POLL}.end")),
    ],
}

# These rest where the event lists its mentions itself (spec v1.7 to v1.16).
BY_WORDS = frozenset(
    (".m.rule.contains_display_name", ".m.rule.roomnotif", ".m.rule.contains_user_name")
)
# These match only somebody whom the event addresses or whose name its body contains.
PERSONAL = frozenset(
    (
        ".m.rule.invite_for_me",
        ".m.rule.is_user_mention",
        ".m.rule.contains_display_name",
        ".m.rule.contains_user_name",
    )
)


def in_order(kind: Kind, rules: Rules) -> list[Rule]:
    """All rules of a kind, the most important first, default ones included."""
    top = [MASTER] if kind is Kind.OVERRIDE else []
    own = rules.own.get(kind, [])
    if not rules.changes:
        return [*top, *own, *DEFAULTS[kind]]
    return [
        *(rules.changed(rule) for rule in top),
        *own,
        *(rules.changed(rule) for rule in DEFAULTS[kind]),
    ]
