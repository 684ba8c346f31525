"""Push rules as JSON: one person's own rules, and what they changed of the default ones.

The stored form holds the differences only, so that newer default rules reach everyone.
spec: client-server-api/#push-rules
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

Action = str | dict[str, Any]
HISTORICAL = ("dont_notify", "coalesce")  # without effect, but handed back as they came


class Kind(StrEnum):
    """The kinds of rule, in the order in which they are asked."""

    OVERRIDE = "override"
    CONTENT = "content"
    ROOM = "room"
    SENDER = "sender"
    UNDERRIDE = "underride"


class Rule(Struct, frozen=True):
    """A rule as clients see it."""

    rule_id: str
    actions: list[Action]
    default: bool = False
    enabled: bool = True
    conditions: list[dict[str, Any]] | UnsetType = UNSET
    pattern: str | UnsetType = UNSET


class Outcome(Struct, frozen=True):
    """What to do about an event, and the rule that says so (none: no rule matched)."""

    notify: bool = False
    highlight: bool = False
    sound: str | None = None
    kind: Kind | None = None
    rule_id: str | None = None
    actions: tuple[Action, ...] = ()

    @classmethod
    def of(cls, kind: Kind, rule: Rule) -> "Outcome":
        """What this rule asks for. Tweaks without "notify" tell nobody anything."""
        actions = tuple(each for each in rule.actions if each not in HISTORICAL)
        notify, tweaks = "notify" in actions, tweaks_of(actions)
        sound = tweaks.get("sound")
        return cls(
            notify=notify,
            highlight=notify and bool(tweaks.get("highlight", False)),
            sound=sound if notify and isinstance(sound, str) else None,
            kind=kind,
            rule_id=rule.rule_id,
            actions=actions,
        )


def tweaks_of(actions: Iterable[Action]) -> dict[str, Any]:
    """How to present a notification, as push gateways expect it."""
    return {
        each["set_tweak"]: each.get("value", True)
        for each in actions
        if isinstance(each, dict) and isinstance(each.get("set_tweak"), str)
    }


class Change(Struct, frozen=True, omit_defaults=True):
    """What somebody changed of a default rule."""

    enabled: bool | None = None
    actions: list[Action] | None = None

    @classmethod
    def between(cls, default: Rule, wanted: Rule) -> "Change | None":
        """What makes one rule of the other; None where they are the same."""
        change = cls(
            enabled=None if wanted.enabled == default.enabled else wanted.enabled,
            actions=None if wanted.actions == default.actions else wanted.actions,
        )
        return change if change != cls() else None

    def of(self, rule: Rule) -> Rule:
        """The rule with the change made."""
        return msgspec.structs.replace(
            rule,
            enabled=rule.enabled if self.enabled is None else self.enabled,
            actions=rule.actions if self.actions is None else self.actions,
        )


class Rules(Struct, frozen=True, omit_defaults=True):
    """All that somebody set: their own rules by kind, most important first, and the changes."""

    own: dict[Kind, list[Rule]] = {}
    changes: dict[str, Change] = {}  # of default rules, by their ids

    def changed(self, rule: Rule) -> Rule:
        """A default rule as its owner wants it."""
        change = self.changes.get(rule.rule_id)
        return change.of(rule) if change else rule


NOTHING_SET = Rules()
