"""Files: who uploaded what, under which address, and whether it may be read.

The same bytes are kept once, whoever sends them; `media_blobs.holders` counts the addresses
that lead to them. A file is known only after its bytes are durable.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from msgspec import Struct

from qingxin import errors, ids
from qingxin.clock import Clock
from qingxin.media.arrivals import Arrivals
from qingxin.media.blobs import Blobs, Opened, Spool
from qingxin.media.places import Placed, Places
from qingxin.media.removal import Removal
from qingxin.store.database import Database, NothingReturned, Statement, must, sql

PROMISE = 24 * 3_600_000  # milliseconds in which a created address must be uploaded to
MOST_PENDING = 100  # created addresses that one member may leave without a file
UNLIMITED = 2**62
SWEEP_EVERY = 3600.0  # seconds

logger = logging.getLogger("qingxin.media")

FIND = """
    SELECT media.media_id, media.owner, media.content_type, media.filename, media.size,
        media.hash, media.created, media.expires, media.state, media_blobs.place,
        media_blobs.picture
    FROM media LEFT JOIN media_blobs ON media_blobs.hash = media.hash
    WHERE media.media_id = :media_id
"""
HOLD = """
    INSERT INTO media_blobs (hash, place, size, holders, created)
    VALUES (:hash, :place, :size, 1, :now)
    ON CONFLICT (hash) DO UPDATE SET holders = media_blobs.holders + 1
    RETURNING place
"""
COUNT = """
    INSERT INTO media_usage (owner, bytes, files) VALUES (:owner, :size, 1)
    ON CONFLICT (owner) DO UPDATE
        SET bytes = media_usage.bytes + :size, files = media_usage.files + 1
        WHERE media_usage.bytes + :size <= :quota
    RETURNING bytes
"""
ADD = """
    INSERT INTO media
        (media_id, owner, content_type, filename, size, hash, created, expires, state)
    VALUES (:media_id, :owner, :content_type, :filename, :size, :hash, :now, NULL, 'ready')
    RETURNING media_id
"""
FULFIL = """
    UPDATE media
    SET content_type = :content_type, filename = :filename, size = :size, hash = :hash,
        created = :now, expires = NULL, state = 'ready'
    WHERE media_id = :media_id AND owner = :owner AND state = 'pending'
    RETURNING media_id
"""
RESERVE = """
    INSERT INTO media
        (media_id, owner, content_type, filename, size, hash, created, expires, state)
    SELECT :media_id, :owner, '', NULL, 0, NULL, :now, :expires, 'pending'
    WHERE (
        SELECT COUNT(*) FROM media
        WHERE state = 'pending' AND owner = :owner AND expires > :now
    ) < :most
    RETURNING media_id
"""
USAGE = """
    SELECT bytes, files FROM media_usage WHERE owner = :owner
"""
MOVE = """
    UPDATE media SET state = :new WHERE media_id = :media_id AND state = :old RETURNING media_id
"""
EXPIRE = """
    DELETE FROM media WHERE state = 'pending' AND expires <= :now
"""


class Limits(Struct, frozen=True):
    """What one file and one member may take, in bytes; a quota of 0 is no limit."""

    max_upload: int
    quota: int = 0


class Label(Struct, frozen=True):
    """What the uploader says about a file. `length` is None when it was not announced."""

    content_type: str
    filename: str | None = None
    length: int | None = None


class Reserved(Struct, frozen=True):
    """An address to which its creator may upload until it expires."""

    media_id: str
    expires: int


class Media(Struct, frozen=True):
    """A file as the database knows it. `place` is empty until it is uploaded."""

    media_id: str
    owner: str
    content_type: str
    filename: str | None
    size: int
    hash: str | None
    created: int
    expires: int | None
    state: str
    place: str | None
    picture: str | None


class Usage(Struct, frozen=True):
    """What a member keeps here."""

    bytes: int = 0
    files: int = 0


class Files:
    """The files of one server."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._limits = limits
        self._quota = limits.quota or UNLIMITED
        self._places = Places(database, blobs, clock)
        self._arrivals = Arrivals()

    @property
    def max_upload(self) -> int:
        return self._limits.max_upload

    async def upload(self, owner: str, label: Label, body: AsyncIterator[bytes]) -> str:
        """Keep a file; its media id. Raises TooLarge, Forbidden (the quota), Unavailable."""
        media_id = ids.opaque(24)
        await self._take_in(ADD, media_id, owner, label, body)
        return media_id

    async def reserve(self, owner: str) -> Reserved:
        """An address for a file that comes later. Raises LimitExceeded."""
        now = self._clock.now()
        reserved = Reserved(ids.opaque(24), now + PROMISE)
        try:
            await self._database.write(
                must(
                    RESERVE,
                    media_id=reserved.media_id,
                    owner=owner,
                    now=now,
                    expires=reserved.expires,
                    most=MOST_PENDING,
                )
            )
        except NothingReturned:
            raise errors.LimitExceeded(
                f"Upload to the {MOST_PENDING} addresses you have before creating more.",
                retry_after_ms=60_000,
            ) from None
        return reserved

    async def fulfil(
        self, owner: str, media_id: str, label: Label, body: AsyncIterator[bytes]
    ) -> None:
        """Upload to a reserved address. Raises NotFound, Forbidden, CannotOverwriteMedia."""
        await self._check_promise(owner, media_id)
        try:
            await self._take_in(FULFIL, media_id, owner, label, body)
        except NothingReturned:
            await self._check_promise(owner, media_id)
            raise
        self._arrivals.announce(media_id)

    async def find(self, media_id: str, *, wait: float = 0) -> Media:
        """A readable file, after at most `wait` seconds. Raises NotFound, NotYetUploaded."""
        media = await self._look(media_id)
        if media.state == "pending":
            media = await self._wait_for(media_id, wait)
        if media.state == "pending":
            raise errors.NotYetUploaded
        return media

    async def open(self, media: Media) -> Opened:
        """The bytes of a file that was found. Raises blobs.Missing if they are lost."""
        return await self._blobs.open(media.place or "")

    async def usage(self, user_id: str) -> Usage:
        row = await self._database.one(USAGE, owner=user_id)
        return Usage(*row) if row else Usage()

    async def quarantine(self, media_id: str) -> bool:
        """Nobody may read the file any more, but it is kept; whether it was readable."""
        return await self._move(media_id, old="ready", new="quarantined")

    async def release(self, media_id: str) -> bool:
        """End the quarantine; whether there was one."""
        return await self._move(media_id, old="quarantined", new="ready")

    async def delete(self, media_id: str) -> bool:
        """Forget the file, and its bytes unless another address leads to them; whether it was."""
        row = await self._database.one(FIND, media_id=media_id)
        if row is None:
            return False
        media = Media(*row)
        removal = Removal(media_id, media.state, media.owner, media.size, media.hash)
        try:
            answers = await self._database.write(*removal.writes())
        except NothingReturned:
            return await self.delete(media_id)  # it changed just now
        await self._places.clear(*removal.places(answers))
        return True

    async def run(self) -> None:
        """Sweep at the start and every hour, for ever."""
        while True:
            try:
                await self.sweep()
            except errors.Unavailable as error:
                logger.warning("Media could not be swept: %s", error)
            await asyncio.sleep(SWEEP_EVERY)

    async def sweep(self) -> None:
        """Clear away what crashes and unkept promises have left."""
        await self._blobs.sweep()
        await self._places.clear_due()
        await self._database.write(sql(EXPIRE, now=self._clock.now()))

    async def _take_in(
        self, statement: str, media_id: str, owner: str, label: Label, body: AsyncIterator[bytes]
    ) -> None:
        await self._check_room(owner, label.length or 0)
        async with self._blobs.receive() as spool:
            await self._fill(spool, body)
            placed = await self._places.fill(spool)
        file = must(
            statement,
            media_id=media_id,
            owner=owner,
            content_type=label.content_type,
            filename=label.filename,
            size=placed.size,
            hash=placed.hash,
            now=self._clock.now(),
        )
        await self._make_known(file, owner, placed)

    async def _check_room(self, owner: str, length: int) -> None:
        self._check_size(length)
        # At the end this counts for real, in one transaction with the file.
        if (await self.usage(owner)).bytes + length > self._quota:
            raise self._over_quota()

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_upload:
            raise errors.TooLarge(
                f"A file may have at most {self._limits.max_upload:,} bytes here."
            )
        if size > self._quota:
            raise self._over_quota()

    def _over_quota(self) -> errors.Forbidden:
        return errors.Forbidden(
            f"Your files may take {self._quota:,} bytes here. Delete some to make room."
        )

    async def _fill(self, spool: Spool, body: AsyncIterator[bytes]) -> None:
        async for piece in body:
            self._check_size(spool.size + len(piece))
            await spool.write(piece)

    async def _make_known(self, file: Statement, owner: str, placed: Placed) -> None:
        """In one transaction: the bytes are held, counted and have an address."""
        size, place = placed.size, placed.place
        try:
            answers = await self._database.write(
                self._places.claim(placed),
                file,
                must(HOLD, hash=placed.hash, place=place, size=size, now=self._clock.now()),
                must(COUNT, owner=owner, size=size, quota=self._quota),
                self._places.settle(placed, placed.hash),
            )
        except NothingReturned as nothing:
            await self._places.clear(place)
            if nothing.index == 0:
                raise errors.Unavailable("That took too long. Upload the file again.") from None
            if nothing.index == 3:
                raise self._over_quota() from None
            raise
        if answers[2] != [(place,)]:  # these very bytes are here already
            await self._places.clear(place)

    async def _check_promise(self, owner: str, media_id: str) -> None:
        media = await self._look(media_id)
        if media.owner != owner:
            raise errors.Forbidden("Only the creator of this address may upload to it.")
        if media.state != "pending":
            raise errors.CannotOverwriteMedia

    async def _look(self, media_id: str) -> Media:
        row = await self._database.one(FIND, media_id=media_id)
        media = Media(*row) if row else None
        if media is None or media.state == "quarantined":
            raise errors.NotFound("There is no such file.")
        if media.expires is not None and media.expires <= self._clock.now():
            raise errors.NotFound("Nothing was uploaded to this address in time.")
        return media

    async def _wait_for(self, media_id: str, seconds: float) -> Media:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        with self._arrivals.listen(media_id) as bell:
            while (media := await self._look(media_id)).state == "pending":
                if (left := until - loop.time()) <= 0:
                    break
                await bell.wait(left)
        return media

    async def _move(self, media_id: str, *, old: str, new: str) -> bool:
        (rows,) = await self._database.write(sql(MOVE, media_id=media_id, old=old, new=new))
        return bool(rows)
