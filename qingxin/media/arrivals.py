"""Who waits for a file that was promised but has not been uploaded yet."""

import asyncio
import contextlib
from collections.abc import Iterator

OFTEN = 1.0  # seconds between looks at the database, for uploads that reach another machine


class Bell:
    """Rings when one file may have arrived."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it rings, and at times when it may have rung elsewhere."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, OFTEN)):
                await self._rung.wait()
        self._rung.clear()


class Arrivals:
    """The bells of everybody who waits, by file."""

    def __init__(self) -> None:
        self._bells: dict[str, list[Bell]] = {}

    @contextlib.contextmanager
    def listen(self, media_id: str) -> Iterator[Bell]:
        """Listen before you look: what arrives in between rings too."""
        bell = Bell()
        self._bells.setdefault(media_id, []).append(bell)
        try:
            yield bell
        finally:
            self._bells[media_id].remove(bell)
            if not self._bells[media_id]:
                del self._bells[media_id]

    def announce(self, media_id: str) -> None:
        for bell in self._bells.get(media_id, ()):
            bell.ring()
