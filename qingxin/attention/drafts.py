"""Rules as clients send them, checked before they are kept.

spec: client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from qingxin import ids
from qingxin.attention.rules import HISTORICAL, Action, Kind, Rule
from qingxin.errors import BadJson, InvalidParam, MissingParam

LONGEST_ID = 1024  # characters of a rule's id
LONGEST_PATTERN = 1024  # characters
MOST_CONDITIONS = 100
MOST_ACTIONS = 100
TWEAKS: dict[str, type] = {"sound": str, "highlight": bool}


class RuleDraft(Struct, frozen=True):
    """Body of PUT /pushrules/global/{kind}/{ruleId}."""

    actions: list[Action]
    conditions: list[dict[str, Any]] = []
    pattern: str | None = None


class Condition(Struct, frozen=True):
    """What every condition must look like, known or not (definitions/push_condition.yaml)."""

    kind: str
    key: str = ""
    pattern: str = ""
    is_: str = msgspec.field(name="is", default="")
    value: str | int | bool | None = None


def accept(kind: Kind, rule_id: str, draft: RuleDraft) -> Rule:
    """The rule that somebody sent. Raises InvalidParam, MissingParam, BadJson."""
    _check_id(kind, rule_id)
    conditions: list[dict[str, Any]] | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    if kind in (Kind.OVERRIDE, Kind.UNDERRIDE):
        _check_conditions(draft.conditions)
        conditions = draft.conditions
    if kind is Kind.CONTENT:
        if draft.pattern is None:
            raise MissingParam("A content rule needs a pattern.")
        _check_text(draft.pattern)
        pattern = draft.pattern
    return Rule(rule_id, accept_actions(draft.actions), conditions=conditions, pattern=pattern)


def accept_actions(actions: list[Action]) -> list[Action]:
    """The actions, where all of them are known. Raises InvalidParam."""
    if len(actions) > MOST_ACTIONS:
        raise InvalidParam(f"A rule may have at most {MOST_ACTIONS} actions.")
    for action in actions:
        _check_tweak(action) if isinstance(action, dict) else _check_word(action)
    return actions


def _check_word(action: str) -> None:
    if action != "notify" and action not in HISTORICAL:
        raise InvalidParam(f"There is no action called {action[:100]}.")


def _check_tweak(action: dict[str, Any]) -> None:
    tweak = action.get("set_tweak")
    if not isinstance(tweak, str):
        raise InvalidParam("An action that is an object must say which tweak to set.")
    if "value" in action and not isinstance(action["value"], TWEAKS.get(tweak, object)):
        raise InvalidParam(f"That is no value for the tweak {tweak}.")


def _check_id(kind: Kind, rule_id: str) -> None:
    if rule_id.startswith("."):
        raise InvalidParam("Names with a dot in front are reserved for the default rules.")
    if "/" in rule_id or "\\" in rule_id:
        raise InvalidParam("A rule's name may not contain slashes.")
    if len(rule_id) > LONGEST_ID:
        raise InvalidParam(f"A rule's name may have at most {LONGEST_ID} characters.")
    if kind is Kind.SENDER and not ids.is_user_id(rule_id):
        raise InvalidParam("A sender rule's name is the user id of the sender.")
    # Aliases can never match, but the specification's own example and old clients use them.
    if kind is Kind.ROOM and not ((rule_id[:1] == "!" and rule_id[1:]) or ids.is_alias(rule_id)):
        raise InvalidParam("A room rule's name is the id of the room.")


def _check_conditions(conditions: list[dict[str, Any]]) -> None:
    if len(conditions) > MOST_CONDITIONS:
        raise InvalidParam(f"A rule may have at most {MOST_CONDITIONS} conditions.")
    for each in conditions:
        try:
            condition = msgspec.convert(each, Condition)
        except msgspec.ValidationError as error:
            raise BadJson(f"That is no condition: {error}.") from None
        for text in (condition.key, condition.pattern, condition.value):
            _check_text(text)


def _check_text(text: object) -> None:
    if isinstance(text, str) and len(text) > LONGEST_PATTERN:
        raise InvalidParam(f"A pattern may have at most {LONGEST_PATTERN} characters.")
    # NUL in a pattern marks the owner's name in the default rules (conditions.py).
    if isinstance(text, str) and "\0" in text:
        raise InvalidParam("A pattern may not contain NUL.")
