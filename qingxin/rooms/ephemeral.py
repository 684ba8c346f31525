"""What passes and is never stored: who is typing.

spec: client-server-api/#typing-notifications
"""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from qingxin.clock import Clock
from qingxin.log.event import MEMBER
from qingxin.log.speech import Said
from qingxin.store.line import Entry

LONGEST = 120_000  # milliseconds that one notification can last


class Word(Struct, frozen=True):
    """What one process tells the others: somebody types for `lasts` ms; 0: no more."""

    room_id: str
    user_id: str
    lasts: int
    number: int


class Typing:
    """Who is typing where. Changes have numbers that rise with the clock, also over restarts.

    `tell` passes a word on to the other processes, which `hear` it.
    """

    def __init__(
        self,
        clock: Clock,
        stir: Callable[[str], None],
        *,
        floor: Callable[[], int] = lambda: 0,
        tell: Callable[[bytes], None] = lambda word: None,
    ) -> None:
        self._clock = clock
        self._stir = stir  # tells everybody in a room
        self._tell = tell
        self._floor = floor  # a number that changes of another kind have reached
        self._rooms: dict[str, dict[str, int]] = {}  # room → user → until when
        self._changed: dict[str, int] = {}  # room → number of its latest change
        self.number = clock.now()

    def start(self, room_id: str, user_id: str, timeout: int) -> None:
        lasts = min(max(timeout, 0), LONGEST)
        self._start(room_id, user_id, lasts)
        self._tell(msgspec.json.encode(Word(room_id, user_id, lasts, self.number)))

    def _start(self, room_id: str, user_id: str, lasts: int) -> None:
        typists = self._rooms.setdefault(room_id, {})
        is_news = user_id not in typists
        typists[user_id] = self._clock.now() + lasts
        if is_news:
            self._change(room_id)

    def stop(self, room_id: str, user_id: str) -> None:
        if self._stop(room_id, user_id):
            self._tell(msgspec.json.encode(Word(room_id, user_id, 0, self.number)))

    def _stop(self, room_id: str, user_id: str) -> bool:
        """Whether it is news."""
        if self._rooms.get(room_id, {}).pop(user_id, None) is None:
            return False
        self._change(room_id)
        return True

    def hear(self, message: bytes) -> None:
        """Another process tells who types, or no longer does."""
        word = msgspec.json.decode(message, type=Word)
        self.number = max(self.number, word.number)
        if word.lasts:
            self._start(word.room_id, word.user_id, word.lasts)
        else:
            self._stop(word.room_id, word.user_id)

    def notice(self, number: int, entry: Entry) -> None:
        """Whoever leaves a room no longer types in it."""
        for event in entry.events if isinstance(entry, Said) else ():
            if event.type == MEMBER and event.membership != "join":
                self._stop(event.room_id, event.state_key or "")

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
