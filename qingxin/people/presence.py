"""Who is here: kept in memory, derived from what each device said last and when.

Changes have numbers that rise with the clock, also over restarts. Nobody sets a timer for
going away: `sweep` looks at the clock. spec: client-server-api/#presence
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from qingxin.clock import Clock

ONLINE, UNAVAILABLE, OFFLINE = "online", "unavailable", "offline"
STATES = (OFFLINE, UNAVAILABLE, ONLINE)  # the last one that a device says is shown
LASTS = 90_000  # ms after a device's latest word; a /sync mostly waits for 30 s
TOLD_EVERY = LASTS // 3  # ms between two words to other processes about a device that stays
ACTIVE = 60_000  # ms that somebody counts as active after doing something
MOST = 200_000  # people; those who were seen longest ago are dropped first


class Status(Struct):
    """How somebody appears. Times in ms since 1970; `number` is that of the latest change."""

    user_id: str
    state: str = OFFLINE
    message: str | None = None
    active_at: int = 0
    number: int = 0
    devices: dict[str, tuple[str, int]] = {}  # device → what it said, until when it counts
    watched: bool = False  # whether a deadline is set


class Word(Struct, frozen=True):
    """What one process tells the others: how a device says its user is.

    `message` is there when they gave one themselves, and then `state` may hold for all devices.
    """

    user_id: str
    device_id: str
    state: str
    number: int
    message: str | UnsetType | None = UNSET


class Presence:
    """What people's devices say about them. `listen` hears the ids of those who change.

    `tell` passes a word on to the other processes, which `hear` it.
    """

    def __init__(
        self,
        clock: Clock,
        listen: Callable[[str], None] = lambda user_id: None,
        *,
        floor: Callable[[], int] = lambda: 0,
        tell: Callable[[bytes], None] = lambda word: None,
    ) -> None:
        self._clock = clock
        self._listen = listen
        self._tell = tell
        self._told: dict[tuple[str, str], int] = {}  # (user, device) → when others were told
        self._floor = floor  # a number that changes of another kind have reached
        self._people: dict[str, Status] = {}  # the ones who changed latest come last
        self._deadlines: list[tuple[int, str]] = []
        self.number = clock.now()

    def seen(self, user_id: str, state: str, device_id: str = "") -> None:
        """A device is here and says how its user is; with `offline` it does not count."""
        status = self._status(user_id)
        before, _ = status.devices.get(device_id, (OFFLINE, 0))
        self._note(status, state, device_id)
        self._derive(status)
        told = self._told.get((user_id, device_id), 0)
        if state != before or (state != OFFLINE and told + TOLD_EVERY <= self._clock.now()):
            self._pass_on(Word(user_id, device_id, state, self.number))

    def set(
        self, user_id: str, state: str, message: str | None = None, device_id: str = ""
    ) -> None:
        """Somebody says how they are, and perhaps why. `offline` holds for all their devices."""
        self._set(user_id, state, message, device_id)
        self._pass_on(Word(user_id, device_id, state, self.number, message))

    def _set(self, user_id: str, state: str, message: str | None, device_id: str) -> None:
        status = self._status(user_id)
        is_news = status.message != message
        status.message = message
        status.active_at = self._clock.now()
        if state == OFFLINE:
            status.devices.clear()
        self._note(status, state, device_id)
        self._derive(status, is_news=is_news)

    def show(self, user_id: str) -> None:
        """Tell of somebody who is here once more, since others have just met them."""
        status = self._people.get(user_id)
        if status is not None and status.state != OFFLINE:
            self._change(status)

    def hear(self, word: Word) -> None:
        """Another process tells how somebody is."""
        self.number = max(self.number, word.number)
        if word.message is not UNSET:
            return self._set(word.user_id, word.state, word.message, word.device_id)
        status = self._status(word.user_id)
        self._note(status, word.state, word.device_id)
        self._derive(status)

    def of(self, user_id: str) -> Status:
        self.sweep()
        return self._people.get(user_id) or Status(user_id)

    def changed(self, after: int) -> list[Status]:
        """Who changed after change number `after`, latest first; from 0 on, who is not away."""
        self.sweep()
        found = []
        for status in reversed(self._people.values()):
            if status.number <= after:
                break
            if after or status.state != OFFLINE or status.message:
                found.append(status)
        return found

    def content(self, status: Status) -> dict[str, Any]:
        """As GET /presence/{userId}/status and m.presence show it."""
        content: dict[str, Any] = {"presence": status.state}
        if status.active_at:
            ago = max(0, self._clock.now() - status.active_at)
            content["last_active_ago"] = ago
            content["currently_active"] = status.state == ONLINE and ago < ACTIVE
        if status.message:
            content["status_msg"] = status.message
        return content

    def event(self, status: Status) -> bytes:
        """The m.presence event for /sync, encoded."""
        return msgspec.json.encode(
            {"type": "m.presence", "sender": status.user_id, "content": self.content(status)}
        )

    def sweep(self) -> None:
        """Notice who has gone since."""
        now = self._clock.now()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, user_id = heappop(self._deadlines)
            if (status := self._people.get(user_id)) is None:
                continue
            for device, (_, until) in list(status.devices.items()):
                if until <= now:
                    del status.devices[device]
            self._watch(status)
            self._derive(status)

    def forget(self, user_id: str) -> None:
        """Somebody has closed their account."""
        self._people.pop(user_id, None)

    def _pass_on(self, word: Word) -> None:
        if len(self._told) > MOST:
            self._told.clear()
        self._told[word.user_id, word.device_id] = self._clock.now()
        self._tell(msgspec.json.encode(word))

    def _status(self, user_id: str) -> Status:
        if (status := self._people.get(user_id)) is None:
            status = self._people[user_id] = Status(user_id)
        return status

    def _note(self, status: Status, state: str, device_id: str) -> None:
        now = self._clock.now()
        if state == OFFLINE:
            status.devices.pop(device_id, None)
            return
        if state == ONLINE:
            status.active_at = now
        status.devices[device_id] = (state, now + LASTS)
        if not status.watched:
            self._watch(status)

    def _watch(self, status: Status) -> None:
        """Look again when the first of the devices may be gone: one deadline for each person."""
        status.watched = bool(status.devices)
        if status.watched:
            soonest = min(until for _, until in status.devices.values())
            heappush(self._deadlines, (soonest, status.user_id))

    def _derive(self, status: Status, *, is_news: bool = False) -> None:
        said = [state for state, _ in status.devices.values()]
        state = max(said, key=STATES.index, default=OFFLINE)
        if is_news or state != status.state:
            status.state = state
            self._change(status)

    def _change(self, status: Status) -> None:
        self.number = max(self.number + 1, self._clock.now(), self._floor() + 1)
        status.number = self.number
        self._people.pop(status.user_id, None)
        self._people[status.user_id] = status
        if len(self._people) > MOST:
            del self._people[next(iter(self._people))]
        self._listen(status.user_id)
