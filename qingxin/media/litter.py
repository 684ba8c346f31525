"""Places whose bytes nobody refers to, or not yet: cleared away when due unless claimed first.

An upload announces its place before it puts bytes there and claims it in the transaction that
makes the file known, so a crash in between leaves nothing behind for ever. The places of
deleted files are doomed in the transaction that forgets them.
"""

from qingxin.clock import Clock
from qingxin.media.blobs import Blobs
from qingxin.store.database import Database, Statement, must, sql

PATIENCE = 24 * 3_600_000  # milliseconds in which an upload must claim its place

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


class Litter:
    """What will have to be cleared away."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    async def announce(self, place: str) -> None:
        """Bytes are about to be put there."""
        due = self._clock.now() + PATIENCE
        await self._database.write(sql(ANNOUNCE, place=place, due=due))

    def claim(self, place: str) -> Statement:
        """Comes first in the write that refers to the place: nobody may clear it meanwhile."""
        return must(CLAIM, place=place, due=self._clock.now() + PATIENCE)

    def settle(self, place: str, content: str) -> Statement:
        """Comes last in that write: the place is no litter if `content` does refer to it now."""
        return sql(SETTLE, place=place, hash=content)

    async def clear(self, *places: str) -> None:
        """Remove these blobs, which nobody refers to and nobody ever will."""
        for place in places:
            await self._blobs.delete(place)
        if places:
            await self._database.write(sql(FORGET, places=list(places)))

    async def clear_due(self) -> int:
        """Remove everything that is due; how many blobs that were."""
        (doomed,) = await self._database.write(sql(DOOM, now=self._clock.now()))
        await self.clear(*(place for (place,) in doomed))
        return len(doomed)
