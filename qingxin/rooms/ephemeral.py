"""What passes and is never stored: who is typing.

spec: client-server-api/#typing-notifications
"""

from collections.abc import Callable

from qingxin.clock import Clock
from qingxin.log.event import MEMBER
from qingxin.log.speech import Speech
from qingxin.store.line import Entry

LONGEST = 120_000  # milliseconds that one notification can last


class Typing:
    """Who is typing where. Changes have numbers that rise with the clock, also over restarts."""

    def __init__(
        self,
        clock: Clock,
        stir: Callable[[str], None],
        *,
        floor: Callable[[], int] = lambda: 0,
    ) -> None:
        self._clock = clock
        self._stir = stir  # tells everybody in a room
        self._floor = floor  # a number that changes of another kind have reached
        self._rooms: dict[str, dict[str, int]] = {}  # room → user → until when
        self._changed: dict[str, int] = {}  # room → number of its latest change
        self.number = clock.now()

    def start(self, room_id: str, user_id: str, timeout: int) -> None:
        typists = self._rooms.setdefault(room_id, {})
        is_news = user_id not in typists
        typists[user_id] = self._clock.now() + min(max(timeout, 0), LONGEST)
        if is_news:
            self._change(room_id)

    def stop(self, room_id: str, user_id: str) -> None:
        if self._rooms.get(room_id, {}).pop(user_id, None) is not None:
            self._change(room_id)

    def notice(self, number: int, entry: Entry) -> None:
        """Whoever leaves a room no longer types in it."""
        for event in entry.events if isinstance(entry, Speech) else ():
            if event.type == MEMBER and event.membership != "join":
                self.stop(event.room_id, event.state_key or "")

    def sweep(self) -> None:
        """End what has lasted its time."""
        now = self._clock.now()
        for room_id, typists in list(self._rooms.items()):
            over = [user_id for user_id, until in typists.items() if until <= now]
            for user_id in over:
                del typists[user_id]
            if over:
                self._change(room_id)
            if not typists:
                del self._rooms[room_id]

    def typists(self, room_id: str) -> list[str]:
        return sorted(self._rooms.get(room_id, ()))

    def changed(self, room_id: str, after: int) -> bool:
        """Whether somebody has started or stopped in this room after change number `after`."""
        return self._changed.get(room_id, 0) > after

    def changed_rooms(self, after: int) -> list[str]:
        """The rooms with a change after `after`, latest first."""
        rooms = []
        for room_id in reversed(self._changed):
            if self._changed[room_id] <= after:
                break
            rooms.append(room_id)
        return rooms

    def _change(self, room_id: str) -> None:
        self.number = max(self.number + 1, self._clock.now(), self._floor() + 1)
        self._changed.pop(room_id, None)
        self._changed[room_id] = self.number
        while len(self._changed) > 10_000:
            del self._changed[next(iter(self._changed))]
        self._stir(room_id)
