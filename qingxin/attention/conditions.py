"""Conditions of push rules, from JSON to plain functions.

A test is asked with the event's facts and with the recipient's user id and lower-cased display
name. A condition that is unknown or malformed never matches.
spec: client-server-api/#conditions
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from qingxin import ids
from qingxin.attention import globs
from qingxin.attention.facts import Facts

Test = Callable[[Facts, str, str], bool]

# Patterns of the default rules that stand for the recipient; NUL cannot come from outside.
USER_ID = "\0user_id"
LOCALPART = "\0localpart"

BODY = "content.body"
COUNT = re.compile(r"(==|<=|>=|<|>)?(\d{1,15})\Z", re.ASCII)
COMPARE = {
    "==": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge
}  # fmt: skip
DEFAULT_LEVEL = 50  # to notify a whole room (event-schemas m.room.power_levels)


def compile_condition(condition: Mapping[str, Any]) -> Test:
    """The test that a condition describes."""
    compiler = KINDS.get(condition.get("kind", ""), _unknown)
    return compiler(condition)


def never(facts: Facts, user_id: str, name: str) -> bool:
    """What an unknown condition says."""
    return False


def without_mentions(facts: Facts, user_id: str, name: str) -> bool:
    """Rules that guess mentions from words rest where the event lists them itself."""
    return not facts.has_mentions


def in_body(pattern: str) -> Test:
    """Whether the body contains what `pattern` describes, between word boundaries."""
    if pattern == LOCALPART:
        return lambda facts, user_id, name: _contains(facts, ids.localpart(user_id).lower())
    match = globs.within(pattern.lower())
    return lambda facts, user_id, name: facts.body is not None and match(facts.body)


def _unknown(condition: Mapping[str, Any]) -> Test:
    return never


def _event_match(condition: Mapping[str, Any]) -> Test:
    key, pattern = condition.get("key"), condition.get("pattern")
    if not isinstance(key, str) or not isinstance(pattern, str):
        return never
    if key == BODY:
        return in_body(pattern)
    if pattern == USER_ID:
        return lambda facts, user_id, name: facts.value(key) == user_id
    match = globs.whole(pattern.lower())

    def test(facts: Facts, user_id: str, name: str) -> bool:
        value = facts.lowered(key)
        return value is not None and match(value)

    return test


def _property_is(condition: Mapping[str, Any]) -> Test:
    key, value = condition.get("key"), condition.get("value", condition)
    if not isinstance(key, str) or not _simple(value):
        return never
    return lambda facts, user_id, name: _same(facts.value(key), value)


def _property_contains(condition: Mapping[str, Any]) -> Test:
    key, value = condition.get("key"), condition.get("value", condition)
    if not isinstance(key, str) or not _simple(value):
        return never

    def test(facts: Facts, user_id: str, name: str) -> bool:
        wanted = user_id if value == USER_ID else value
        found = facts.value(key)
        return isinstance(found, list) and any(_same(each, wanted) for each in found)

    return test


def _display_name(condition: Mapping[str, Any]) -> Test:
    return lambda facts, user_id, name: _contains(facts, name)


def _member_count(condition: Mapping[str, Any]) -> Test:
    wanted = condition.get("is")
    if not isinstance(wanted, str) or (found := COUNT.match(wanted)) is None:
        return never
    compare, number = COMPARE[found[1] or "=="], int(found[2])
    return lambda facts, user_id, name: compare(facts.members, number)


def _sender_may_notify(condition: Mapping[str, Any]) -> Test:
    key = condition.get("key")
    if not isinstance(key, str):
        return never

    def test(facts: Facts, user_id: str, name: str) -> bool:
        level = facts.levels.get(key, DEFAULT_LEVEL)
        return facts.sender_power >= (level if isinstance(level, int) else DEFAULT_LEVEL)

    return test


def _contains(facts: Facts, text: str) -> bool:
    """Whether the body contains a literal text (in lower case) between word boundaries."""
    if not text or facts.body is None or text not in facts.body:
        return False
    if globs.is_word(text):
        return text in facts.words
    return globs.phrase(text)(facts.body)


def _simple(value: Any) -> bool:
    return value is None or isinstance(value, str | int)


def _same(found: Any, wanted: Any) -> bool:
    """Equal in JSON's eyes, where true is not 1."""
    return type(found) is type(wanted) and bool(found == wanted)


KINDS: dict[str, Callable[[Mapping[str, Any]], Test]] = {
    "event_match": _event_match,
    "event_property_is": _property_is,
    "event_property_contains": _property_contains,
    "contains_display_name": _display_name,
    "room_member_count": _member_count,
    "sender_notification_permission": _sender_may_notify,
}
