"""Push rules compiled for asking what one event is to one person.

This runs for every event and every recipient. Those who left the default rules alone, and
whom the event does not concern, share one outcome that is found once for each event.
spec: client-server-api/#push-rules
"""

from collections.abc import Iterable

from msgspec import Struct

from qingxin.attention.conditions import Test, compile_condition, in_body, never, without_mentions
from qingxin.attention.defaults import BY_WORDS, PERSONAL, in_order
from qingxin.attention.facts import Facts
from qingxin.attention.globs import WILD
from qingxin.attention.rules import NOTHING_SET, Kind, Outcome, Rule, Rules

SILENT = Outcome()
CONDITIONAL = (Kind.OVERRIDE, Kind.UNDERRIDE)


class Compiled(Struct, frozen=True):
    """One enabled rule: all its tests must hold. `room` (in lower case): it holds only there."""

    tests: tuple[Test, ...]
    outcome: Outcome
    room: str | None = None


Stages = tuple[tuple[Compiled, ...], tuple[Compiled, ...]]  # before and after sender rules


class Ruleset:
    """Somebody's rules, compiled. `DEFAULT` serves everyone who never changed theirs."""

    __slots__ = ("_elsewhere", "_plain", "_rooms", "_senders", "_stages")

    def __init__(self, rules: Rules) -> None:
        early = (Kind.OVERRIDE, Kind.CONTENT, Kind.ROOM)
        self._stages = (
            tuple(each for kind in early for each in _compiled(kind, rules)),
            tuple(_compiled(Kind.UNDERRIDE, rules)),
        )
        self._senders = {
            rule.rule_id: Outcome.of(Kind.SENDER, rule)
            for rule in in_order(Kind.SENDER, rules)
            if rule.enabled
        }
        # Muted rooms are many: what holds in one room is never looked at in another.
        named = {each.room for stage in self._stages for each in stage if each.room is not None}
        self._rooms: dict[str, Stages | None] = dict.fromkeys(named)
        self._elsewhere = self._in_room(None)
        self._plain = not rules.changes and _count(self._elsewhere) == DEFAULT_COUNT

    def evaluate(self, facts: Facts, user_id: str, display_name: str | None) -> Outcome:
        """What the event is to a member of its room, by their name there."""
        name = display_name.lower() if display_name else ""
        if (
            self._plain
            and facts.room not in self._rooms
            and facts.sender not in self._senders
            and not facts.may_concern(user_id, name)
        ):
            return facts.stranger or _to_strangers(facts)
        return self.walk(facts, user_id, name)

    def walk(self, facts: Facts, user_id: str, name: str) -> Outcome:
        """The first rule that matches, by asking them all. `name` is in lower case."""
        early, late = self._for_room(facts.room)
        return (
            _first(early, facts, user_id, name)
            or self._senders.get(facts.sender)
            or _first(late, facts, user_id, name)
            or SILENT
        )

    def _for_room(self, room: str) -> Stages:
        if room not in self._rooms:
            return self._elsewhere
        if (stages := self._rooms[room]) is None:
            stages = self._rooms[room] = self._in_room(room)
        return stages

    def _in_room(self, room: str | None) -> Stages:
        early, late = (
            tuple(each for each in stage if each.room is None or each.room == room)
            for stage in self._stages
        )
        return early, late


def _first(rules: Iterable[Compiled], facts: Facts, user_id: str, name: str) -> Outcome | None:
    for rule in rules:
        for test in rule.tests:
            if not test(facts, user_id, name):
                break
        else:
            return rule.outcome
    return None


def _compiled(kind: Kind, rules: Rules) -> list[Compiled]:
    return [
        Compiled(tuple(_tests(kind, rule)), Outcome.of(kind, rule), _room(kind, rule))
        for rule in in_order(kind, rules)
        if rule.enabled
    ]


def _tests(kind: Kind, rule: Rule) -> list[Test]:
    if kind is Kind.ROOM:
        return [lambda facts, user_id, name: facts.room_id == rule.rule_id]
    tests = [compile_condition(each) for each in rule.conditions or []]
    if kind is Kind.CONTENT:
        tests.append(in_body(rule.pattern) if isinstance(rule.pattern, str) else never)
    return [without_mentions, *tests] if rule.default and rule.rule_id in BY_WORDS else tests


def _room(kind: Kind, rule: Rule) -> str | None:
    """The only room in which this rule can match, if there is just one."""
    if kind is Kind.ROOM:
        return rule.rule_id.lower()
    for each in rule.conditions or [] if kind in CONDITIONAL else []:
        pattern = each.get("pattern")
        if each.get("kind") == "event_match" and each.get("key") == "room_id":
            if isinstance(pattern, str) and not WILD.search(pattern):
                return pattern.lower()
    return None


def _count(stages: Stages) -> int:
    return sum(len(stage) for stage in stages)


def _to_strangers(facts: Facts) -> Outcome:
    facts.stranger = _first(TO_STRANGERS, facts, "", "") or SILENT
    return facts.stranger


DEFAULT_COUNT = sum(len(_compiled(kind, NOTHING_SET)) for kind in Kind)
DEFAULT = Ruleset(NOTHING_SET)
TO_STRANGERS = tuple(
    each
    for kind in Kind
    for each in _compiled(kind, NOTHING_SET)
    if each.outcome.rule_id not in PERSONAL
)
