"""What push rules may ask about one event in its room, found out once for all recipients."""

from collections.abc import Mapping
from typing import Any

from qingxin.attention.globs import words
from qingxin.attention.rules import Outcome
from qingxin.ids import localpart

NOTHING = object()  # no such property; None is the JSON null
MENTIONS = "m.mentions"


class Facts:
    """An event as push rules see it. Properties are looked up when a rule first asks for them."""

    __slots__ = (
        "_event",
        "_lowered",
        "_values",
        "_words",
        "addressed",
        "body",
        "has_mentions",
        "levels",
        "members",
        "room",
        "room_id",
        "sender",
        "sender_power",
        "stranger",
        "type",
    )  # fmt: skip

    def __init__(
        self,
        *,
        type: str,
        sender: str,
        room_id: str,
        content: Mapping[str, Any],
        state_key: str | None = None,
        members: int = 0,
        sender_power: int = 0,
        levels: Mapping[str, Any] | None = None,
    ) -> None:
        """`members` have joined the room; `levels` is `notifications` of its power levels."""
        self.type = type
        self.sender = sender
        self.room_id = room_id
        self.room = room_id.lower()
        self.members = members
        self.sender_power = sender_power
        self.levels = levels or {}
        self._event = {"type": type, "sender": sender, "room_id": room_id, "content": content}
        if state_key is not None:
            self._event["state_key"] = state_key
        self._values: dict[str, Any] = {}
        self._lowered: dict[str, str | None] = {}
        self._words: frozenset[str] | None = None
        self.has_mentions = MENTIONS in content
        self.addressed = _addressed(content.get(MENTIONS), state_key)
        self.body = self.lowered("content.body")
        self.stranger: Outcome | None = None  # what it is to those whom it does not concern

    def value(self, key: str) -> Any:
        """The property at a dotted path, or NOTHING."""
        found = self._values.get(key, self)
        if found is self:
            found = self._values[key] = _look_up(self._event, path(key))
        return found

    def lowered(self, key: str) -> str | None:
        """The property in lower case where it is a string."""
        if key in self._lowered:
            return self._lowered[key]
        value = self.value(key)
        lowered = self._lowered[key] = value.lower() if isinstance(value, str) else None
        return lowered

    @property
    def words(self) -> frozenset[str]:
        """The words of the body."""
        if self._words is None:
            self._words = frozenset(words(self.body or ""))
        return self._words

    def may_concern(self, user_id: str, name: str) -> bool:
        """Whether the event could be about this person; False is certain."""
        if user_id in self.addressed:
            return True
        if self.has_mentions or (body := self.body) is None:
            return False
        return localpart(user_id).lower() in body or (name != "" and name in body)


def path(key: str) -> list[str]:
    r"""The segments of a dotted path, in which `\.` is a dot and `\\` a backslash.

    spec: appendices/#dot-separated-property-paths
    """
    if "\\" not in key:
        return key.split(".")
    segments, at = [""], 0
    while at < len(key):
        if key[at] == "\\" and key[at + 1 : at + 2] in ("\\", "."):
            at += 1
            segments[-1] += key[at]
        elif key[at] == ".":
            segments.append("")
        else:
            segments[-1] += key[at]
        at += 1
    return segments


def _look_up(value: Any, segments: list[str]) -> Any:
    for segment in segments:
        if not isinstance(value, Mapping) or segment not in value:
            return NOTHING
        value = value[segment]
    return value


def _addressed(mentions: Any, state_key: str | None) -> frozenset[str]:
    """Those whom an event names by their user ids."""
    named = {state_key} if state_key is not None else set()
    if isinstance(mentions, Mapping) and isinstance(user_ids := mentions.get("user_ids"), list):
        named.update(each for each in user_ids if isinstance(each, str))
    return frozenset(named)
