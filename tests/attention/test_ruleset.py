"""What each default rule and each condition says about an event."""

from typing import Any

import pytest

from qingxin.attention.conditions import compile_condition
from qingxin.attention.facts import Facts
from qingxin.attention.rules import Change, Kind, Outcome, Rule, Rules
from qingxin.attention.ruleset import DEFAULT, Ruleset

ALICE, BOB = "@alice:example.org", "@bob:example.org"
ROOM = "!room:example.org"


def said(content: dict[str, Any], type: str = "m.room.message", **more: Any) -> Facts:
    """Something Alice says in a room of ten."""
    return Facts(**{
        "type": type, "sender": ALICE, "room_id": ROOM, "content": content, "members": 10, **more
    })  # fmt: skip


def text(body: str, **content: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **content}


def to_bob(facts: Facts, rules: Rules | None = None) -> Outcome:
    ruleset = DEFAULT if rules is None else Ruleset(rules)
    return ruleset.evaluate(facts, BOB, "The Builder")


QUIET = (False, False, None)
PLAIN = (True, False, None)
SOUND = (True, False, "default")
LOUD = (True, True, "default")
MARKED = (True, True, None)
EDIT = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}
MENTIONS_BOB = {"m.mentions": {"user_ids": [BOB]}}

DEFAULTS = [
    ("message", said(text("Hello")), PLAIN),
    ("message", said(text("Hello", **{"m.mentions": {}})), PLAIN),
    ("message", said({}), PLAIN),
    ("message", said({"body": 3}), PLAIN),
    ("room_one_to_one", said(text("Hello"), members=2), SOUND),
    ("encrypted", said({}, "m.room.encrypted"), PLAIN),
    ("encrypted_room_one_to_one", said({}, "m.room.encrypted", members=2), SOUND),
    ("call", said({}, "m.call.invite"), (True, False, "ring")),
    ("suppress_notices", said({"msgtype": "m.notice", "body": "Hello bob"}), QUIET),
    (
        "invite_for_me",
        said({"membership": "invite"}, "m.room.member", state_key=BOB),
        SOUND,
    ),
    ("member_event", said({"membership": "invite"}, "m.room.member", state_key=ALICE), QUIET),
    ("member_event", said({"membership": "join"}, "m.room.member", state_key=BOB), QUIET),
    ("is_user_mention", said(text("Hey", **MENTIONS_BOB)), LOUD),
    ("is_user_mention", said(text("Hey", **MENTIONS_BOB, **EDIT)), LOUD),
    ("is_user_mention", said(MENTIONS_BOB, "m.room.encrypted"), LOUD),
    ("message", said(text("Hey", **{"m.mentions": {"user_ids": [ALICE]}})), PLAIN),
    ("message", said(text("Hey", **{"m.mentions": {"user_ids": BOB}})), PLAIN),
    ("message", said(text("Hey", **{"m.mentions": BOB})), PLAIN),
    ("contains_display_name", said(text("Ask the BUILDER, please")), LOUD),
    ("message", said(text("Ask the builders, please")), PLAIN),
    ("message", said(text("Ask The Builder, bob", **{"m.mentions": {}})), PLAIN),
    (
        "is_room_mention",
        said(text("Lunch", **{"m.mentions": {"room": True}}), sender_power=50),
        MARKED,
    ),
    ("message", said(text("Lunch", **{"m.mentions": {"room": True}}), sender_power=49), PLAIN),
    (
        "is_room_mention",
        said(text("Lunch", **{"m.mentions": {"room": True}}), levels={"room": 0}),
        MARKED,
    ),
    ("message", said(text("Lunch", **{"m.mentions": {"room": 1}}), sender_power=50), PLAIN),
    ("roomnotif", said(text("@room lunch"), sender_power=100), MARKED),
    ("message", said(text("@room lunch"), sender_power=0), PLAIN),
    ("message", said(text("@room lunch", **{"m.mentions": {}}), sender_power=100), PLAIN),
    ("tombstone", said({}, "m.room.tombstone", state_key=""), MARKED),
    (None, said({}, "m.room.tombstone"), QUIET),
    ("reaction", said({}, "m.reaction"), QUIET),
    ("room.server_acl", said({}, "m.room.server_acl", state_key=""), QUIET),
    ("suppress_edits", said(text("* Hello", **EDIT)), QUIET),
    ("contains_user_name", said(text("Where is BOB?")), LOUD),
    ("message", said(text("Where is bobby?")), PLAIN),
    (None, said({"name": "The room"}, "m.room.name", state_key=""), QUIET),
]
POLLS = [
    ("response", 10, QUIET),
    ("start", 10, PLAIN),
    ("start", 2, SOUND),
    ("end", 10, PLAIN),
    ("end", 2, SOUND),
]


@pytest.mark.parametrize(("rule", "facts", "outcome"), DEFAULTS)
def test_the_default_rules(
    rule: str | None, facts: Facts, outcome: tuple[bool, bool, str | None]
) -> None:
    got = to_bob(facts)
    assert got.rule_id == (f".m.rule.{rule}" if rule else None)
    assert (got.notify, got.highlight, got.sound) == outcome


@pytest.mark.parametrize(("part", "members", "outcome"), POLLS)
def test_the_default_rules_for_polls(
    part: str, members: int, outcome: tuple[bool, bool, str | None]
) -> None:
    got = to_bob(said({}, f"org.matrix.msc3381.poll.{part}", members=members))
    assert got.rule_id is not None and got.rule_id.startswith(
        f".org.matrix.msc3930.rule.poll_{part}"
    )
    assert (got.notify, got.highlight, got.sound) == outcome


def test_the_master_rule_silences_everything_when_it_is_on() -> None:
    rules = Rules(changes={".m.rule.master": Change(enabled=True)})
    got = to_bob(said(text("bob", **MENTIONS_BOB)), rules)
    assert (got.rule_id, got.notify) == (".m.rule.master", False)


def test_the_master_rule_stands_above_rules_of_ones_own() -> None:
    own = {Kind.OVERRIDE: [Rule("always", ["notify"], conditions=[])]}
    rules = Rules(own, {".m.rule.master": Change(enabled=True)})
    assert to_bob(said(text("Hello")), rules).rule_id == ".m.rule.master"
    assert to_bob(said(text("Hello")), Rules(own)).rule_id == "always"


def test_a_default_rule_that_is_off_never_matches() -> None:
    rules = Rules(changes={".m.rule.message": Change(enabled=False)})
    assert to_bob(said(text("Hello")), rules).rule_id is None


def test_a_default_rule_does_what_its_owner_wants() -> None:
    rules = Rules(
        changes={".m.rule.message": Change(actions=["notify", {"set_tweak": "highlight"}])}
    )
    assert to_bob(said(text("Hello")), rules).highlight is True


MESSAGE_FIELDS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"key": "content.topic", "pattern": "lunc?*"}, {"topic": "Lunch plans"}, True),
    ({"key": "content.topic", "pattern": "lunc?*"}, {"topic": " lunch"}, False),
    ({"key": "content.topic", "pattern": "*"}, {}, False),
    ({"key": "content.topic", "pattern": "*"}, {"topic": None}, False),
    ({"key": "content.topic", "pattern": "*"}, {"topic": ["a"]}, False),
    ({"key": "content.topic", "pattern": "*"}, {"topic": {"a": "b"}}, False),
    ({"key": "content.a.b", "pattern": "c"}, {"a": {"b": "C"}}, True),
    ({"key": "content.a.b", "pattern": "c"}, {"a.b": "C"}, False),
    ({"key": r"content.a\.b", "pattern": "c"}, {"a.b": "C"}, True),
    ({"key": r"content.a\\b", "pattern": "c"}, {"a\\b": "C"}, True),
    ({"key": r"content.a\b", "pattern": "c"}, {"a\\b": "C"}, True),
    ({"key": r"content.a\\\.b", "pattern": "c"}, {"a\\.b": "C"}, True),
    ({"key": "content.", "pattern": "c"}, {"": "C"}, True),
    ({"key": "content", "pattern": "*"}, {"a": "b"}, False),
    ({"key": "sender", "pattern": "@ALICE:*"}, {}, True),
    ({"key": "room_id", "pattern": ROOM}, {}, True),
    ({"key": "state_key", "pattern": "*"}, {}, False),
    ({"key": "content.body", "pattern": "cake"}, {"body": "Our Cake!"}, True),
    ({"key": "content.body", "pattern": "cake"}, {"body": "cupcake"}, False),
    ({"key": "content.body", "pattern": "cake"}, {"body": 7}, False),
    ({"key": "content.body"}, {"body": "x"}, False),
    ({"pattern": "x"}, {"body": "x"}, False),
    ({"key": "content.body", "pattern": 3}, {"body": "3"}, False),
]
EXACT: list[tuple[dict[str, Any], Any, bool]] = [
    ({"value": True}, True, True),
    ({"value": True}, 1, False),
    ({"value": True}, "true", False),
    ({"value": 1}, 1, True),
    ({"value": 1}, 1.0, False),
    ({"value": 1}, True, False),
    ({"value": None}, None, True),
    ({"value": "a"}, "A", False),
    ({"value": "a"}, "a", True),
    ({"value": ["a"]}, ["a"], False),
    ({"value": {}}, {}, False),
    ({}, None, False),
]
CONTAINED: list[tuple[Any, Any, bool]] = [
    ("a", ["b", "a"], True),
    ("a", ["A"], False),
    ("a", "a", False),
    ("a", {"a": "a"}, False),
    (1, [True], False),
    (1, [1], True),
    (None, [None], True),
    (None, [], False),
    (None, None, False),
    ("a", [["a"]], False),
]
COUNTS = [
    ("2", 2, True), ("2", 3, False), ("==3", 3, True), ("<3", 3, False), ("<3", 2, True),
    ("<=3", 3, True), (">3", 3, False), (">3", 4, True), (">=3", 3, True), ("=3", 3, False),
    ("three", 3, False), ("", 0, False), ("-1", 0, False), ("٣", 3, False), ("3\n", 3, False),
    ("9" * 5000, 3, False),
]  # fmt: skip


def holds(condition: dict[str, Any], facts: Facts) -> bool:
    return compile_condition(condition)(facts, BOB, "bob builder")


@pytest.mark.parametrize(("condition", "content", "matches"), MESSAGE_FIELDS)
def test_event_match(condition: dict[str, Any], content: dict[str, Any], matches: bool) -> None:
    assert holds({"kind": "event_match", **condition}, said(content)) is matches


@pytest.mark.parametrize(("condition", "found", "matches"), EXACT)
def test_event_property_is(condition: dict[str, Any], found: Any, matches: bool) -> None:
    condition = {"kind": "event_property_is", "key": "content.x", **condition}
    assert holds(condition, said({"x": found})) is matches
    assert holds(condition, said({})) is False


@pytest.mark.parametrize(("value", "found", "matches"), CONTAINED)
def test_event_property_contains(value: Any, found: Any, matches: bool) -> None:
    condition = {"kind": "event_property_contains", "key": "content.x", "value": value}
    assert holds(condition, said({"x": found})) is matches


@pytest.mark.parametrize(("wanted", "members", "matches"), COUNTS)
def test_room_member_count(wanted: str, members: int, matches: bool) -> None:
    condition = {"kind": "room_member_count", "is": wanted}
    assert holds(condition, said({}, members=members)) is matches


@pytest.mark.parametrize(
    ("power", "levels", "matches"),
    [
        (50, {}, True),
        (49, {}, False),
        (30, {"lunch": 30}, True),
        (50, {"room": 0, "lunch": 51}, False),
        (50, {"lunch": "51"}, True),
    ],
)
def test_sender_notification_permission(power: int, levels: dict[str, Any], matches: bool) -> None:
    condition = {"kind": "sender_notification_permission", "key": "lunch"}
    assert holds(condition, said({}, sender_power=power, levels=levels)) is matches


NAMES = [
    ("Bob Builder", "Hey bob BUILDER!", True),
    ("Bob Builder", "Hey bob  builder!", False),
    ("小王", "小王在吗", True),
    ("小王", "小李在吗", False),
    ("B*b", "Hey bob", False),
    ("B*b", "Hey b*b", True),
    ("[.+", "What is [.+ now", True),
    ("", "Hey", False),
    (None, "Hey None", False),
    ("Bo", "Hey Bob", False),
]


@pytest.mark.parametrize(("name", "body", "matches"), NAMES)
def test_a_display_name_in_the_text(name: str | None, body: str, matches: bool) -> None:
    got = DEFAULT.evaluate(said(text(body)), "@zoe:example.org", name)
    assert (got.rule_id == ".m.rule.contains_display_name") is matches


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "org.example.moon_phase"},
        {"kind": "device", "profile_tag": "x"},
        {"kind": 3},
        {},
        {"kind": "room_member_count"},
        {"kind": "room_member_count", "is": 2},
        {"kind": "sender_notification_permission"},
        {"kind": "event_property_is", "value": 1},
        {"kind": "event_property_contains", "value": 1},
    ],
)
def test_an_unknown_or_broken_condition_never_matches(condition: dict[str, Any]) -> None:
    assert holds(condition, said(text("Hello"), members=2, sender_power=100)) is False


def test_kinds_are_asked_in_their_order() -> None:
    always: list[dict[str, Any]] = []
    own = {
        Kind.OVERRIDE: [Rule("override", ["notify"], conditions=always)],
        Kind.CONTENT: [Rule("content", ["notify"], pattern="hello")],
        Kind.ROOM: [Rule(ROOM, ["notify"])],
        Kind.SENDER: [Rule(ALICE, ["notify"])],
        Kind.UNDERRIDE: [Rule("underride", ["notify"], conditions=always)],
    }
    asked = []
    for kind in Kind:
        outcome = to_bob(said(text("hello")), Rules(own))
        asked.append((outcome.kind, outcome.rule_id))
        del own[kind]
    assert asked == [
        (Kind.OVERRIDE, "override"),
        (Kind.CONTENT, "content"),
        (Kind.ROOM, ROOM),
        (Kind.SENDER, ALICE),
        (Kind.UNDERRIDE, "underride"),
    ]


def test_of_two_rules_of_a_kind_the_first_wins() -> None:
    tea, time = Rule("tea", ["notify"], pattern="tea"), Rule("time", [], pattern="time")
    facts = said(text("It's time for tea"))
    assert to_bob(facts, Rules({Kind.CONTENT: [tea, time]})).rule_id == "tea"
    assert to_bob(facts, Rules({Kind.CONTENT: [time, tea]})).rule_id == "time"


def test_rules_for_one_room_or_sender_leave_others_alone() -> None:
    muted = Rule(
        "mute", [], conditions=[{"kind": "event_match", "key": "room_id", "pattern": ROOM}]
    )
    rules = Rules({Kind.OVERRIDE: [muted], Kind.ROOM: [Rule("!other:example.org", [])]})
    assert to_bob(said(text("Hello")), rules).rule_id == "mute"
    assert to_bob(said(text("Hello"), room_id="!other:example.org"), rules).kind is Kind.ROOM
    third = to_bob(said(text("Hello"), room_id="!third:example.org"), rules)
    assert third.rule_id == ".m.rule.message"


def test_historical_actions_have_no_effect() -> None:
    rules = Rules({Kind.ROOM: [Rule(ROOM, ["dont_notify", "coalesce"])]})
    assert to_bob(said(text("Hello")), rules) == Outcome(kind=Kind.ROOM, rule_id=ROOM)


@pytest.mark.parametrize(
    ("actions", "outcome"),
    [
        (["notify", {"set_tweak": "highlight"}], MARKED),
        (["notify", {"set_tweak": "highlight", "value": False}], PLAIN),
        (["notify", {"set_tweak": "sound", "value": "bing"}], (True, False, "bing")),
        (["notify", {"set_tweak": "sound"}], PLAIN),
        ([{"set_tweak": "highlight"}, {"set_tweak": "sound", "value": "x"}], QUIET),
        (["notify", {"set_tweak": "light", "value": {"colour": "red"}}], PLAIN),
    ],
)
def test_what_actions_come_to(actions: list[Any], outcome: tuple[bool, bool, str | None]) -> None:
    got = to_bob(said(text("Hello")), Rules({Kind.ROOM: [Rule(ROOM, actions)]}))
    assert (got.notify, got.highlight, got.sound) == outcome
