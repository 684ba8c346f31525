"""Changing rules: where they stand, what stays, what is refused."""

import pytest

from qingxin.attention import edits
from qingxin.attention.defaults import in_order
from qingxin.attention.rules import Kind, Rule, Rules
from qingxin.errors import BadRequest, NotFound

A, B, C = (Rule(f"!{name}:example.org", ["notify"]) for name in "abc")


def room_rules(*own: Rule) -> Rules:
    return Rules({Kind.ROOM: list(own)})


def order(rules: Rules) -> str:
    return "".join(rule.rule_id[1] for rule in rules.own[Kind.ROOM])


def test_a_new_rule_stands_above_the_others() -> None:
    assert order(edits.put(room_rules(A, B), Kind.ROOM, C)) == "cab"


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("a", None, "cab"),
        ("b", None, "acb"),
        (None, "a", "acb"),
        (None, "b", "abc"),
        ("b", "b", "acb"),
        ("a", "b", "cab"),
    ],
)
def test_a_new_rule_stands_where_it_is_told_to(
    before: str | None, after: str | None, result: str
) -> None:
    names = {"a": A.rule_id, "b": B.rule_id, None: None}
    changed = edits.put(room_rules(A, B), Kind.ROOM, C, before=names[before], after=names[after])
    assert order(changed) == result


def test_a_changed_rule_keeps_its_place_and_stays_off() -> None:
    rules = edits.enable(room_rules(A, B, C), Kind.ROOM, B.rule_id, False)
    rules = edits.put(rules, Kind.ROOM, Rule(B.rule_id, []))
    assert order(rules) == "abc"
    assert edits.find(rules, Kind.ROOM, B.rule_id) == Rule(B.rule_id, [], enabled=False)


def test_a_changed_rule_moves_when_it_is_told_to() -> None:
    rules = room_rules(A, B, C)
    assert order(edits.put(rules, Kind.ROOM, C, before=A.rule_id)) == "cab"
    assert order(edits.put(rules, Kind.ROOM, A, after=B.rule_id)) == "bac"


@pytest.mark.parametrize("neighbour", ["!z:example.org", ".m.rule.master", C.rule_id])
def test_a_rule_cannot_stand_next_to_one_that_is_not_there(neighbour: str) -> None:
    with pytest.raises(BadRequest):
        edits.put(room_rules(A, B), Kind.ROOM, C, before=neighbour)
    with pytest.raises(BadRequest):
        edits.put(room_rules(A, B), Kind.ROOM, C, after=neighbour)


def test_a_deleted_rule_comes_back_switched_on() -> None:
    rules = edits.enable(room_rules(A), Kind.ROOM, A.rule_id, False)
    rules = edits.put(edits.remove(rules, Kind.ROOM, A.rule_id), Kind.ROOM, A)
    assert edits.find(rules, Kind.ROOM, A.rule_id).enabled is True


@pytest.mark.parametrize("rule_id", [".m.rule.master", ".m.rule.message", "mine"])
def test_only_rules_of_ones_own_can_be_deleted(rule_id: str) -> None:
    for kind in Kind:
        with pytest.raises(NotFound):
            edits.remove(Rules(), kind, rule_id)


def test_every_default_rule_can_be_changed() -> None:
    for kind in Kind:
        for rule in in_order(kind, Rules()):
            rules = edits.enable(Rules(), kind, rule.rule_id, not rule.enabled)
            rules = edits.set_actions(rules, kind, rule.rule_id, ["coalesce"])
            changed = edits.find(rules, kind, rule.rule_id)
            assert (changed.enabled, changed.actions) == (not rule.enabled, ["coalesce"])
            assert changed.default and changed.conditions == rule.conditions


def test_a_default_rule_changed_back_is_not_changed() -> None:
    for kind in Kind:
        for rule in in_order(kind, Rules()):
            rules = edits.enable(Rules(), kind, rule.rule_id, not rule.enabled)
            rules = edits.set_actions(rules, kind, rule.rule_id, ["coalesce"])
            rules = edits.enable(rules, kind, rule.rule_id, rule.enabled)
            assert edits.find(rules, kind, rule.rule_id).actions == ["coalesce"]
            assert edits.set_actions(rules, kind, rule.rule_id, rule.actions) == Rules()


@pytest.mark.parametrize("rule_id", [".not.a.default.rule", ".m.rule.message", "mine"])
def test_a_rule_that_is_not_there_cannot_be_changed(rule_id: str) -> None:
    with pytest.raises(NotFound):
        edits.enable(Rules(), Kind.OVERRIDE, rule_id, True)
    with pytest.raises(NotFound):
        edits.set_actions(Rules(), Kind.OVERRIDE, rule_id, [])
    with pytest.raises(NotFound):
        edits.find(Rules(), Kind.OVERRIDE, rule_id)


def mute(room_id: str, rule_id: str | None = None) -> Rule:
    condition = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    return Rule(rule_id or room_id, [], enabled=False, conditions=[condition])


def test_the_rules_about_a_room_hold_for_its_replacement_too() -> None:
    old, new = "!old:example.org", "!new:example.org"
    own = {
        Kind.OVERRIDE: [mute(old), mute("!else:example.org"), mute(old, f"silence:{old}")],
        Kind.ROOM: [Rule(old, ["dont_notify"])],
        Kind.UNDERRIDE: [mute("!else:example.org")],
        Kind.SENDER: [Rule("@alice:example.org", [])],
    }
    followed = edits.follow(Rules(own), old, new)
    assert followed.own == {
        **own,
        Kind.OVERRIDE: [mute(new), mute(new, f"silence:{new}"), *own[Kind.OVERRIDE]],
        Kind.ROOM: [Rule(new, ["dont_notify"]), *own[Kind.ROOM]],
    }
    assert edits.follow(followed, old, new) is followed


def test_a_rule_of_another_name_about_the_room_is_not_doubled() -> None:
    old, new = "!old:example.org", "!new:example.org"
    rules = Rules({Kind.OVERRIDE: [mute(old, "my quiet room")]})
    assert edits.follow(rules, old, new) is rules
