"""Small pictures of files: which sizes there are, and where each lies once it was made.

spec: client-server-api/#thumbnails
"""

import asyncio

from msgspec import Struct, structs

from qingxin import errors
from qingxin.clock import Clock
from qingxin.media.blobs import Blobs, Missing, Opened
from qingxin.media.files import Media
from qingxin.media.orders import Answer, Order
from qingxin.media.places import Placed, Places
from qingxin.media.workshop import Failed, Workshop
from qingxin.store.database import Database, NothingReturned, must, sql

SCALED = ((320, 240), (640, 480), (800, 600), (1600, 1200))
CROPPED = (32, 96, 160, 320, 640, 800)  # the longer side
MOST_WAITING = 64  # orders in line, beyond which the server says to come back later
MOST_KEPT = 64  # thumbnails of one file: shapes are many, and disks are not endless

FIND = """
    SELECT place, hash, size, content_type FROM media_thumbnails
    WHERE source = :source AND width = :width AND height = :height AND method = :method
        AND animated = :animated
"""
MEASURE = """
    UPDATE media_blobs SET picture = :picture, width = :width, height = :height
    WHERE hash = :source
    RETURNING hash
"""
ADD = """
    INSERT INTO media_thumbnails
        (source, width, height, method, animated, place, hash, size, content_type)
    VALUES
        (:source, :width, :height, :method, :animated, :place, :hash, :size, :content_type)
    ON CONFLICT (source, width, height, method, animated) DO NOTHING
"""
COUNT = """
    SELECT COUNT(*) FROM media_thumbnails WHERE source = :source
"""


class Shape(Struct, frozen=True):
    """What a thumbnail is to look like. `method` is crop or scale."""

    width: int
    height: int
    method: str
    animated: bool = False


class Thumbnail(Struct, frozen=True):
    """A thumbnail that lies at `place`."""

    place: str
    hash: str
    size: int
    content_type: str


class CannotThumbnail(errors.BadRequest):
    """There can be no thumbnail of this file: it is no picture or video that we can read."""


def offered(wish: Shape) -> Shape:
    """The shape we keep that serves a wish: as large at least, up to our largest.

    Cropped ones keep the wish's proportions.
    """
    if wish.method == "scale":
        fits = (size for size in SCALED if size[0] >= wish.width and size[1] >= wish.height)
        return Shape(*next(fits, SCALED[-1]), wish.method, wish.animated)
    longer = max(wish.width, wish.height)
    side = next((side for side in CROPPED if side >= longer), CROPPED[-1])
    width, height = (max(1, -(-n * side // longer)) for n in (wish.width, wish.height))
    return Shape(width, height, wish.method, wish.animated)


class Thumbnails:
    """Made when first asked for, one at a time, and kept as long as the file is."""

    def __init__(self, database: Database, blobs: Blobs, clock: Clock, workshop: Workshop) -> None:
        self._database = database
        self._blobs = blobs
        self._places = Places(database, blobs, clock)
        self._workshop = workshop
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def of(self, media: Media, wish: Shape) -> Thumbnail:
        """A thumbnail of a file that was found. Raises CannotThumbnail, TooLarge."""
        shape = offered(wish)
        return await self._find(media, shape) or await self._in_turn(media, shape)

    async def open(self, thumbnail: Thumbnail) -> Opened:
        """Raises blobs.Missing if the bytes are lost."""
        return await self._blobs.open(thumbnail.place)

    async def _find(self, media: Media, shape: Shape) -> Thumbnail | None:
        row = await self._database.one(FIND, **_key(media, shape))
        return Thumbnail(*row) if row else None

    async def _in_turn(self, media: Media, shape: Shape) -> Thumbnail:
        _refuse(media.picture)
        if self._waiting >= MOST_WAITING:
            raise errors.LimitExceeded("Too many thumbnails are being made.", retry_after_ms=5_000)
        self._waiting += 1
        try:
            async with self._turn:
                shape = await self._affordable(media, shape)
                # Whoever waited may find that the one before made just this.
                return await self._find(media, shape) or await self._make(media, shape)
        finally:
            self._waiting -= 1

    async def _affordable(self, media: Media, shape: Shape) -> Shape:
        """A square in place of the umpteenth odd shape."""
        ((count,),) = await self._database.all(COUNT, source=media.hash)
        if count < MOST_KEPT or shape.method == "scale":
            return shape
        side = max(shape.width, shape.height)
        return Shape(side, side, shape.method, shape.animated)

    async def _make(self, media: Media, shape: Shape) -> Thumbnail:
        answer, data = await self._order(media, shape)
        if not data:
            await self._remember(media, answer)
            _refuse(answer.kind)
            raise CannotThumbnail
        async with self._blobs.receive() as spool:
            await spool.write(data)
            placed = await self._places.fill(spool)
        return await self._keep(media, shape, answer, placed)

    async def _order(self, media: Media, shape: Shape) -> tuple[Answer, bytes]:
        try:
            async with self._blobs.lend(media.place or "") as path:
                order = Order(str(path), shape.width, shape.height, shape.method, shape.animated)
                return await self._workshop.make(order)
        except Missing:
            raise errors.NotFound("The bytes of this file are lost.") from None
        except Failed as failed:
            if failed.again:
                raise CannotThumbnail("The thumbnail could not be made this time.") from None
            return Answer("huge"), b""

    async def _remember(self, media: Media, answer: Answer) -> None:
        """Spare the worker a file that it cannot read."""
        if answer.kind:
            await self._database.write(sql(MEASURE, **_measures(media, answer)))

    async def _keep(self, media: Media, shape: Shape, answer: Answer, placed: Placed) -> Thumbnail:
        made = Thumbnail(placed.place, placed.hash, placed.size, answer.content_type)
        try:
            await self._database.write(
                self._places.claim(placed),
                must(MEASURE, **_measures(media, answer)),
                sql(ADD, **_key(media, shape), **structs.asdict(made)),
                self._places.settle(placed, media.hash or ""),
            )
        except NothingReturned:  # the file was deleted meanwhile
            await self._places.clear(placed.place)
            raise errors.NotFound("There is no such file any more.") from None
        return await self._find(media, shape) or made


def _key(media: Media, shape: Shape) -> dict[str, str | int | None]:
    return {
        "source": media.hash,
        "width": shape.width,
        "height": shape.height,
        "method": shape.method,
        "animated": int(shape.animated),
    }


def _measures(media: Media, answer: Answer) -> dict[str, str | int | None]:
    return {
        "source": media.hash,
        "picture": answer.kind,
        "width": answer.width or None,
        "height": answer.height or None,
    }


def _refuse(picture: str | None) -> None:
    """Raises for what an earlier attempt has shown to have no thumbnail."""
    if picture == "none":
        raise CannotThumbnail
    if picture == "huge":
        raise errors.TooLarge("This picture is too large for a thumbnail.")
