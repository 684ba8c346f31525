"""The time, as something a test can move."""

import time
from typing import Protocol


class Clock(Protocol):
    """Milliseconds since 1970, never going backwards within one process."""

    def now(self) -> int: ...


class SystemClock:
    """The machine's clock, held still when the machine's own is set back."""

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> int:
        self._latest = max(self._latest, time.time_ns() // 1_000_000)
        return self._latest


class HandClock:
    """A clock that stands until somebody moves it: for stories about time."""

    def __init__(self, start: int = 1_750_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def move(self, milliseconds: int) -> None:
        self._now += milliseconds
