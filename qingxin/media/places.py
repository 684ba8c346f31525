"""The places of bytes: filled once, then claimed by a row that refers to them, or cleared.

An upload's place is litter until it is claimed, in the transaction that makes the file known,
so a crash in between leaves nothing behind for ever. The places of deleted files become
litter in the transaction that forgets them.
"""

from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.media.blobs import Blobs, Spool
from qingxin.store.database import Database, Statement, must, sql

PATIENCE = 24 * 3_600_000  # milliseconds in which a filled place must be claimed

ANNOUNCE = """
    INSERT INTO media_litter (place, due, doomed) VALUES (:place, :due, 0)
"""
CLAIM = """
    UPDATE media_litter SET due = :due WHERE place = :place AND doomed = 0 RETURNING place
"""
SETTLE = """
    DELETE FROM media_litter
    WHERE place = :place
        AND (EXISTS (SELECT 1 FROM media_blobs WHERE place = :place AND hash = :hash)
            OR EXISTS (SELECT 1 FROM media_thumbnails WHERE place = :place AND source = :hash))
"""
DOOM = """
    UPDATE media_litter SET doomed = 1 WHERE due <= :now RETURNING place
"""
FORGET = """
    DELETE FROM media_litter WHERE place IN :places
"""


class Placed(Struct, frozen=True):
    """Bytes that lie somewhere: `hash` is their SHA-256 in hex."""

    place: str
    hash: str
    size: int


class Places:
    """Gives out places, each once, and clears those that nobody refers to."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    async def fill(self, spool: Spool) -> Placed:
        """Durably keep what was received at a new place, which is litter until it is claimed."""
        content = await spool.finish()
        placed = Placed(f"{content[:2]}/{content[2:]}-{ids.opaque(6)}", content, spool.size)
        due = self._clock.now() + PATIENCE
        await self._database.write(sql(ANNOUNCE, place=placed.place, due=due))
        await spool.put(placed.place)
        return placed

    def claim(self, placed: Placed) -> Statement:
        """Comes first in the write that refers to the place: nobody may clear it meanwhile."""
        return must(CLAIM, place=placed.place, due=self._clock.now() + PATIENCE)

    def settle(self, placed: Placed, source: str) -> Statement:
        """Comes last in that write: no litter any more, if a row of `source` does refer to it."""
        return sql(SETTLE, place=placed.place, hash=source)

    async def clear(self, *places: str) -> None:
        """Remove blobs that nobody refers to and nobody ever will."""
        for place in places:
            await self._blobs.delete(place)
        if places:
            await self._database.write(sql(FORGET, places=list(places)))

    async def clear_due(self) -> int:
        """Remove everything that is due; how many blobs that were."""
        (doomed,) = await self._database.write(sql(DOOM, now=self._clock.now()))
        await self.clear(*(place for (place,) in doomed))
        return len(doomed)
