"""Filters: what of the log a device wants to hear of (spec: client-server-api/#filtering)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from qingxin.log.event import Event

DEFAULT_LIMIT = 10
MOST = 1000  # events in one piece of timeline


class Events(Struct, frozen=True):
    """Spec: EventFilter."""

    limit: int | None = None
    types: list[str] | None = None
    not_types: list[str] = []
    senders: list[str] | None = None
    not_senders: list[str] = []

    def takes_type(self, type: str) -> bool:
        if any(matches(pattern, type) for pattern in self.not_types):
            return False
        return self.types is None or any(matches(pattern, type) for pattern in self.types)

    def takes_sender(self, sender: str) -> bool:
        return sender not in self.not_senders and (self.senders is None or sender in self.senders)


class RoomEvents(Events, frozen=True):
    """Spec: RoomEventFilter, and StateFilter."""

    rooms: list[str] | None = None
    not_rooms: list[str] = []
    contains_url: bool | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False
    related_by_rel_types: list[str] | None = None
    related_by_senders: list[str] | None = None

    @property
    def most(self) -> int:
        """The number of events wanted, within bounds."""
        return min(max(DEFAULT_LIMIT if self.limit is None else self.limit, 0), MOST)

    @property
    def takes_everything(self) -> bool:
        return (
            self.types is None
            and self.senders is None
            and self.contains_url is None
            and self.rooms is None
            and self.related_by_rel_types is None
            and self.related_by_senders is None
            and not (self.not_types or self.not_senders or self.not_rooms)
        )

    def takes_room(self, room_id: str) -> bool:
        return room_id not in self.not_rooms and (self.rooms is None or room_id in self.rooms)

    def takes(self, event: Event) -> bool:
        """Whether the event passes; relations are asked about elsewhere."""
        if not (self.takes_type(event.type) and self.takes_sender(event.sender)):
            return False
        if not self.takes_room(event.room_id):
            return False
        if self.contains_url is None:
            return True
        return isinstance(event.decoded().get("url"), str) == self.contains_url

    def chosen(self, events: Sequence[Event]) -> list[Event]:
        return list(events) if self.takes_everything else [e for e in events if self.takes(e)]


class Rooms(Struct, frozen=True):
    """Spec: RoomFilter."""

    rooms: list[str] | None = None
    not_rooms: list[str] = []
    include_leave: bool = False
    timeline: RoomEvents = RoomEvents()
    state: RoomEvents = RoomEvents()
    ephemeral: RoomEvents = RoomEvents()
    account_data: RoomEvents = RoomEvents()

    def takes(self, room_id: str) -> bool:
        return room_id not in self.not_rooms and (self.rooms is None or room_id in self.rooms)


class Filter(Struct, frozen=True):
    """Spec: Filter."""

    room: Rooms = Rooms()
    presence: Events = Events()
    account_data: Events = Events()
    event_fields: list[str] = []
    event_format: str = "client"


EVERYTHING = Filter()


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")) + r"\Z", re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether a type matches a filter's, in which `*` stands for anything."""
    return _pattern(pattern).match(text) is not None if "*" in pattern else pattern == text


def pick(value: Any, fields: list[str]) -> dict[str, Any]:
    """Only the named fields of an event; a dot leads inside, `\\.` is a dot."""
    picked: dict[str, Any] = {}
    for field in fields:
        path = [
            part.replace("\\.", ".").replace("\\\\", "\\") for part in re.split(r"(?<!\\)\.", field)
        ]
        source, target = value, picked
        for part in path[:-1]:
            source = source.get(part) if isinstance(source, dict) else None
            if not isinstance(source, dict):
                break
            target = target.setdefault(part, {})
        if isinstance(source, dict) and path[-1] in source and isinstance(target, dict):
            target[path[-1]] = source[path[-1]]
    return picked
