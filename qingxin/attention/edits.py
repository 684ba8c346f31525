"""Changes to push rules: from the rules as they were to the rules as they shall be.

Plain functions without any input or output. They raise NotFound for a rule that does not
exist and BadRequest for a place or a rule that cannot be.
"""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from qingxin.attention.defaults import in_order
from qingxin.attention.rules import NOTHING_SET, Action, Change, Kind, Rule, Rules
from qingxin.errors import BadRequest, NotFound


def find(rules: Rules, kind: Kind, rule_id: str) -> Rule:
    """The rule of that name, a default one too."""
    for rule in in_order(kind, rules):
        if rule.rule_id == rule_id:
            return rule
    raise NotFound("There is no such push rule.")


def put(
    rules: Rules, kind: Kind, rule: Rule, *, before: str | None = None, after: str | None = None
) -> Rules:
    """Add a rule of one's own, or change it where it is there already.

    A new one stands above the others; `before` and `after` name another to stand next to, and
    `before` wins. Changing a rule leaves it on or off, as it was.
    """
    own = rules.own.get(kind, [])
    old = _index(own, rule.rule_id)
    others = [each for each in own if each.rule_id != rule.rule_id]
    if old is not None:
        rule = replace(rule, enabled=own[old].enabled)
    place = 0 if old is None else old
    if (neighbour := before or after) is not None:
        if (place_of := _index(others, neighbour)) is None:
            raise BadRequest(f"There is no rule of your own called {neighbour} to stand next to.")
        place = place_of if before else place_of + 1
    return _with_own(rules, kind, [*others[:place], rule, *others[place:]])


def remove(rules: Rules, kind: Kind, rule_id: str) -> Rules:
    """Take a rule of one's own away. Default rules stay: they can be turned off."""
    own = rules.own.get(kind, [])
    if _index(own, rule_id) is None:
        raise NotFound("There is no such rule of yours. Default rules can only be turned off.")
    return _with_own(rules, kind, [each for each in own if each.rule_id != rule_id])


def enable(rules: Rules, kind: Kind, rule_id: str, enabled: bool) -> Rules:
    """Turn a rule on or off."""
    return _change(rules, kind, rule_id, Change(enabled=enabled))


def set_actions(rules: Rules, kind: Kind, rule_id: str, actions: list[Action]) -> Rules:
    """Let a rule do something else."""
    return _change(rules, kind, rule_id, Change(actions=actions))


def follow(rules: Rules, room_id: str, replacement: str) -> Rules:
    """Let the rules about a room hold for its replacement too (Synapse, Complement)."""
    for kind in (Kind.OVERRIDE, Kind.ROOM, Kind.UNDERRIDE):
        for rule in reversed(rules.own.get(kind, [])):
            moved = _moved(kind, rule, room_id, replacement)
            if moved is not None and _index(rules.own[kind], moved.rule_id) is None:
                rules = _with_own(rules, kind, [moved, *rules.own[kind]])
    return rules


def _change(rules: Rules, kind: Kind, rule_id: str, change: Change) -> Rules:
    if (default := _default(kind, rule_id)) is not None:
        wanted = change.of(rules.changed(default))
        others = {name: old for name, old in rules.changes.items() if name != rule_id}
        made = Change.between(default, wanted)
        return replace(rules, changes=others if made is None else {**others, rule_id: made})
    own = rules.own.get(kind, [])
    if (at := _index(own, rule_id)) is None:
        raise NotFound("There is no such push rule.")
    return _with_own(rules, kind, [*own[:at], change.of(own[at]), *own[at + 1 :]])


def _default(kind: Kind, rule_id: str) -> Rule | None:
    return next((rule for rule in in_order(kind, NOTHING_SET) if rule.rule_id == rule_id), None)


def _moved(kind: Kind, rule: Rule, room_id: str, replacement: str) -> Rule | None:
    """A rule about a room, about its replacement instead."""
    if kind is Kind.ROOM:
        return replace(rule, rule_id=replacement) if rule.rule_id == room_id else None
    conditions: list[dict[str, Any]] = list(rule.conditions or [])
    if not any(_is_about(each, room_id) for each in conditions):
        return None
    moved = [
        {**each, "pattern": replacement} if _is_about(each, room_id) else each
        for each in conditions
    ]
    return replace(rule, rule_id=rule.rule_id.replace(room_id, replacement), conditions=moved)


def _is_about(condition: dict[str, Any], room_id: str) -> bool:
    return condition.get("kind") == "event_match" and condition.get("pattern") == room_id


def _index(own: Sequence[Rule], rule_id: str) -> int | None:
    return next((at for at, each in enumerate(own) if each.rule_id == rule_id), None)


def _with_own(rules: Rules, kind: Kind, own: list[Rule]) -> Rules:
    return replace(rules, own={**rules.own, kind: own})
