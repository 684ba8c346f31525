"""Forgetting a file: in one transaction with whatever nobody refers to after it."""

from msgspec import Struct

from qingxin.store.database import Row, Write, must, sql

FORGET = """
    DELETE FROM media WHERE media_id = :media_id AND state = :state RETURNING media_id
"""
LET_GO = """
    UPDATE media_blobs SET holders = holders - 1 WHERE hash = :hash
"""
DOOM_THUMBNAILS = """
    INSERT INTO media_litter (place, due, doomed)
    SELECT media_thumbnails.place, media_blobs.created, 1
    FROM media_blobs JOIN media_thumbnails ON media_thumbnails.source = media_blobs.hash
    WHERE media_blobs.hash = :hash AND media_blobs.holders = 0
    RETURNING place
"""
DOOM_BLOB = """
    INSERT INTO media_litter (place, due, doomed)
    SELECT place, created, 1 FROM media_blobs WHERE hash = :hash AND holders = 0
    RETURNING place
"""
DROP_THUMBNAILS = """
    DELETE FROM media_thumbnails
    WHERE source = :hash
        AND EXISTS (SELECT 1 FROM media_blobs WHERE hash = :hash AND holders = 0)
"""
DROP_BLOB = """
    DELETE FROM media_blobs WHERE hash = :hash AND holders = 0
"""
DISCOUNT = """
    UPDATE media_usage SET bytes = bytes - :size, files = files - 1 WHERE owner = :owner
"""


class Removal(Struct, frozen=True):
    """What has to be known of a file to forget it. `hash` is None for an unkept promise."""

    media_id: str
    state: str
    owner: str
    size: int
    hash: str | None

    def writes(self) -> list[Write]:
        """The first returns nothing if the file has changed meanwhile.

        Rows are locked in the order in which uploads lock them, so that neither waits for the
        other for ever.
        """
        gone = must(FORGET, media_id=self.media_id, state=self.state)
        if self.hash is None:
            return [gone]
        return [
            gone,
            sql(LET_GO, hash=self.hash),
            sql(DOOM_THUMBNAILS, hash=self.hash),
            sql(DOOM_BLOB, hash=self.hash),
            sql(DROP_THUMBNAILS, hash=self.hash),
            sql(DROP_BLOB, hash=self.hash),
            sql(DISCOUNT, owner=self.owner, size=self.size),
        ]

    @staticmethod
    def places(answers: list[list[Row]]) -> list[str]:
        """What those writes have made litter of."""
        return [place for rows in answers[2:4] for (place,) in rows]
