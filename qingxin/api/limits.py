"""How often somebody may do what: token buckets by budget and caller, kept in memory.

Every route names its budget (`limit=`). The figures leave room for a real client's bursts
(an app that starts asks for dozens of things at once) and stop floods.
"""

from collections import OrderedDict
from collections.abc import Mapping

from msgspec import Struct

from qingxin.clock import Clock
from qingxin.errors import LimitExceeded

MOST_BUCKETS = 100_000


class Budget(Struct, frozen=True):
    """`burst` at once, then `rate` each second."""

    rate: float
    burst: int


BUDGETS: Mapping[str, Budget] = {
    # What many people behind one address do without an account, so not too tight.
    "register": Budget(0.5, 60),
    "login": Budget(1, 100),
    "login-failed": Budget(0.1, 10),  # for one account from one address
    "login-attacked": Budget(0.5, 100),  # for one account from everywhere
    "token-failed": Budget(0.1, 20),  # wrong registration tokens from one address
    "tip": Budget(0.1, 10),
    # What costs others something: it is shown to them, or wakes them.
    "send": Budget(10, 100),
    "redact": Budget(10, 100),
    "state": Budget(5, 100),
    "typing": Budget(10, 50),
    "receipt": Budget(20, 200),
    "to-device": Budget(20, 200),
    "join": Budget(1, 30),
    "leave": Budget(5, 60),
    "invite": Budget(2, 60),
    "create": Budget(0.5, 30),
    "report": Budget(0.2, 20),
    "profile": Budget(0.5, 30),
    "presence": Budget(2, 20),
    # What costs the server something.
    "account": Budget(1, 20),  # changes of password, devices, sessions
    "preferences": Budget(10, 200),
    "keys": Budget(20, 200),
    "media": Budget(50, 500),
    "upload": Budget(2, 60),
    "search": Budget(2, 20),
    "sync": Budget(20, 100),
    "read": Budget(50, 500),
}
DEFAULT = BUDGETS["read"]


class Limits:
    """Draws on budgets. A bucket is one number: when it will be full again (GCRA)."""

    def __init__(self, clock: Clock, *, on: bool = True) -> None:
        self._clock = clock
        self._on = on
        self._full_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def draw(self, name: str, key: str) -> None:
        """Take one from the budget `name` of `key`. Raises LimitExceeded."""
        if not self._on:
            return
        now = self._clock.now()
        full_at = self._wait(name, key, now)
        bucket = (name, key)
        self._full_at[bucket] = full_at + 1000 / BUDGETS.get(name, DEFAULT).rate
        self._full_at.move_to_end(bucket)
        if len(self._full_at) > MOST_BUCKETS:
            self._full_at.popitem(last=False)

    def check(self, name: str, key: str) -> None:
        """Raises LimitExceeded where `draw` would, and takes nothing."""
        if self._on:
            self._wait(name, key, self._clock.now())

    def _wait(self, name: str, key: str, now: int) -> float:
        budget = BUDGETS.get(name, DEFAULT)
        full_at = max(self._full_at.get((name, key), 0.0), now)
        empty_until = full_at - (budget.burst - 1) * 1000 / budget.rate
        if empty_until > now:
            raise LimitExceeded(retry_after_ms=max(1, round(empty_until - now)))
        return full_at
