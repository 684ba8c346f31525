"""How one device looks at the log, and the piece of a timeline that it is shown."""

from msgspec import Struct

from qingxin.log.event import Event, Reader
from qingxin.sync.filters import Filter
from qingxin.sync.token import Token


class View(Struct):
    """Who looks, since when, and how."""

    reader: Reader
    filter: Filter
    since: Token | None  # None: for the first time
    until: int
    ignored: frozenset[str] = frozenset()
    state_after: bool = False
    full_state: bool = False
    met: dict[str, dict[str, int]] = {}  # members this device knows, by room


class Timeline(Struct):
    """A room's timeline in (start, until]. `partial`: some of what is there is not shown."""

    events: list[Event]
    limited: bool
    start: int
    until: int
    partial: bool = False

    @property
    def ground(self) -> int:
        """Where the state stands that is told before these events."""
        return self.until if self.partial else self.start
