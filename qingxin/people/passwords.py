"""Passwords as Argon2id hashes, worked out in threads so that the event loop stays free.

One hash takes about 0.1 s and 64 MiB, so no more than two run at once, and a queue that
would keep people waiting for long refuses instead.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from qingxin.errors import LimitExceeded

T = TypeVar("T")

AT_ONCE = 2
MOST_WAITING = 200  # about ten seconds' work

COSTS = {
    # RFC 9106 4, the second recommended option: 64 MiB, three passes, four lanes.
    "standard": PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, type=Type.ID),
    "low": PasswordHasher(time_cost=1, memory_cost=8, parallelism=1, type=Type.ID),
}


class Passwords:
    """Makes and checks hashes at one cost."""

    def __init__(self, cost: Literal["standard", "low"] = "standard") -> None:
        self._hasher = COSTS[cost]
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._waiting = 0
        # Checked when there is no such account, so that the answer takes as long.
        self._nobody = self._hasher.hash("nobody")

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def matches(self, hashed: str, password: str) -> bool:
        """Whether `password` is the one. An empty `hashed` matches nothing, just as slowly."""
        found = await self._in_thread(lambda: self._check(hashed or self._nobody, password))
        return found and hashed != ""

    def outdated(self, hashed: str) -> bool:
        """Whether this hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise LimitExceeded("Too many people are signing in.", retry_after_ms=5000)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
