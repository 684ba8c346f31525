"""When and from where each device was last seen: noted in memory, written now and then."""

import asyncio
import logging
from collections.abc import Sequence

from msgspec import Struct

from qingxin.clock import Clock
from qingxin.errors import Unavailable
from qingxin.store.database import Database, Insert

EVERY = 180_000  # ms between two writes about one device; "a few minutes out of date"
PAUSE = 30.0  # seconds between two looks at what has to be written
MOST_AGENT = 200  # letters of a User-Agent worth keeping
MOST_FRESH = 200_000  # devices; beyond that the memory is emptied

COLUMNS = ("user_id", "device_id", "address", "agent", "seen")
UPSERT = """(user_id, device_id) DO UPDATE
    SET address = excluded.address, agent = excluded.agent, seen = excluded.seen"""

logger = logging.getLogger("qingxin.people")


class Sighting(Struct):
    """The latest call of a device; `seen` and `written` are ms since 1970."""

    address: str
    agent: str
    seen: int
    written: int = 0


class Sightings:
    """Notes every call, writes each device at most every few minutes, all together."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fresh: dict[tuple[str, str], Sighting] = {}

    def see(self, user_id: str, device_id: str, address: str, agent: str) -> None:
        now = self._clock.now()
        if (known := self._fresh.get((user_id, device_id))) is None:
            known = self._fresh[user_id, device_id] = Sighting(address, "", now)
        known.seen, known.address = now, address
        if agent and agent is not known.agent:
            known.agent = agent[:MOST_AGENT].replace("\0", "")

    async def of(self, user_id: str) -> dict[str, Sighting]:
        """By device, the ones not yet written included."""
        rows = await self._database.all(
            "SELECT device_id, address, agent, seen FROM sightings WHERE user_id = :user_id",
            user_id=user_id,
        )
        found = {device_id: Sighting(*rest) for device_id, *rest in rows}
        for device_id in [device for user, device in self._fresh if user == user_id]:
            fresh = self._fresh[user_id, device_id]
            if device_id not in found or fresh.seen >= found[device_id].seen:
                found[device_id] = fresh
        return found

    def forget(self, user_id: str, device_ids: Sequence[str]) -> None:
        for device_id in device_ids:
            self._fresh.pop((user_id, device_id), None)

    async def write(self, *, every: int = EVERY) -> None:
        """Write what was seen since, except of devices written less than `every` ms ago."""
        now = self._clock.now()
        due = {
            key: sighting
            for key, sighting in self._fresh.items()
            if sighting.seen > sighting.written and now - sighting.written >= every
        }
        if not due:
            return
        for sighting in due.values():
            sighting.written = now
        rows = [(*key, one.address, one.agent, one.seen) for key, one in due.items()]
        await self._database.write(Insert("sightings", COLUMNS, rows, UPSERT))
        if len(self._fresh) > MOST_FRESH:
            self._fresh.clear()

    async def run(self) -> None:
        """Write now and then, for ever."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self.write()
            except Unavailable as error:
                logger.warning("Could not note when devices were seen: %s", error)
