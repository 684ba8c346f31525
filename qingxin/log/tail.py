"""The tail: the newest events of a shard, in memory, each encoded once for everybody.

It answers whatever is asked of positions after its `floor`; older ones are in the database.
"""

from bisect import bisect_right
from collections import deque
from itertools import takewhile

from qingxin.log.event import Event

OVERHEAD = 700  # bytes that an event in memory takes besides its content, as measured


class Tail:
    """A ring of events in order of position, findable by room and by id."""

    def __init__(self, limit: int) -> None:
        self.floor = 0  # every event after this position is here
        self._limit = limit  # bytes
        self._size = 0
        self._ring: deque[Event] = deque()
        self._rooms: dict[str, list[Event]] = {}
        self._ids: dict[str, Event] = {}

    def start(self, floor: int) -> None:
        """Begin empty after `floor`."""
        self.floor, self._size = floor, 0
        self._ring.clear()
        self._rooms.clear()
        self._ids.clear()

    def add(self, event: Event) -> None:
        self._ring.append(event)
        self._rooms.setdefault(event.room_id, []).append(event)
        self._ids[event.event_id] = event
        self._size += len(event.content) + OVERHEAD
        while self._size > self._limit and self._ring:
            self._drop()

    def _drop(self) -> None:
        event = self._ring.popleft()
        self.floor = event.position
        self._size -= len(event.content) + OVERHEAD
        del self._ids[event.event_id]
        room = self._rooms[event.room_id]
        room.pop(0)
        if not room:
            del self._rooms[event.room_id]

    def find(self, event_id: str) -> Event | None:
        return self._ids.get(event_id)

    def since(self, position: int) -> list[Event] | None:
        """Every event after `position`, or None where the tail does not reach that far."""
        if position < self.floor:
            return None
        newest_first = takewhile(lambda event: event.position > position, reversed(self._ring))
        return list(newest_first)[::-1]

    def after(self, room_id: str, position: int) -> list[Event] | None:
        """A room's events after `position`, or None where the tail does not reach that far."""
        if position < self.floor:
            return None
        events = self._rooms.get(room_id, [])
        if not events or events[0].position > position:
            return events[:]
        return events[bisect_right(events, position, key=_position) :]

    def newest(self, room_id: str, until: int, count: int) -> list[Event] | None:
        """A room's last `count` events up to `until`, or None where the tail has not so many."""
        events = self._rooms.get(room_id, [])
        end = len(events)
        if events and events[-1].position > until:
            end = bisect_right(events, until, key=_position)
        whole = bool(events) and events[0].type == "m.room.create"
        return events[max(end - count, 0) : end] if end >= count or whole else None


def _position(event: Event) -> int:
    return event.position
