"""What of a room's past one person may see (spec: client-server-api/#room-history-visibility)."""

from bisect import bisect_right

from msgspec import Struct

from qingxin.log.event import MEMBER, Event

OPEN = ("shared", "world_readable")
Spans = list[tuple[int, str]]  # (position, value from there on), ascending


class Sight(Struct, frozen=True):
    """One reader's membership and the room's visibility over time."""

    user_id: str
    memberships: Spans
    visibility: Spans
    everything: bool = False  # nothing was ever hidden from this reader

    @property
    def membership(self) -> str:
        return self.memberships[-1][1] if self.memberships else "leave"

    @property
    def left_at(self) -> int | None:
        """Where the reader stopped being in the room, if they are not in it now."""
        return (
            None if not self.memberships or self.membership == "join" else self.memberships[-1][0]
        )

    def membership_at(self, position: int) -> str | None:
        """What the reader was in the room right after `position`; None where it is not known."""
        if self.everything and position < self.memberships[0][0]:
            return None  # only the present membership was read
        return _at(self.memberships, position, "leave")

    def sees(self, event: Event) -> bool:
        """Whether this reader may be shown `event`."""
        if self.everything:
            return True
        if event.type == MEMBER and event.state_key == self.user_id and self.memberships:
            return True
        setting = _at(self.visibility, event.position, "shared")
        if event.type == "m.room.history_visibility" and event.state_key == "":
            setting = max(
                setting, _at(self.visibility, event.position - 1, "shared"), key=_openness
            )
        return self._allows(setting, event.position)

    def _allows(self, setting: str, position: int) -> bool:
        membership = _at(self.memberships, position, "leave")
        if setting == "world_readable" or membership == "join":
            return True
        if setting == "shared":
            return any(value == "join" for at, value in self.memberships if at >= position)
        return setting == "invited" and membership == "invite"


def _openness(setting: str) -> int:
    order = ["joined", "invited", "shared", "world_readable"]
    return order.index(setting) if setting in order else 0


def _at(spans: Spans, position: int, default: str) -> str:
    index = bisect_right(spans, position, key=lambda span: span[0])
    return spans[index - 1][1] if index else default


def never_hidden(memberships: Spans, visibility: Spans) -> bool:
    """A member of a room that was always open to its members sees all of it."""
    inside = bool(memberships) and memberships[-1][1] == "join"
    return inside and all(value in OPEN for _, value in visibility)
