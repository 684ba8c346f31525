"""Thumbnails are made once, in sizes that serve the wish, and go when their file goes."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from qingxin import errors
from qingxin.clock import HandClock
from qingxin.media.files import Files
from qingxin.media.local import LocalBlobs
from qingxin.media.orders import Answer, Order
from qingxin.media.places import PATIENCE
from qingxin.media.thumbnails import (
    MOST_KEPT,
    CannotThumbnail,
    Shape,
    Thumbnail,
    Thumbnails,
    offered,
)
from qingxin.media.workshop import Failed, Workshop
from qingxin.store.database import Database
from tests.media import samples
from tests.media.acts import BOB, kept, send

SMALL = Shape(320, 240, "scale")


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        # The sizes that the specification names.
        (Shape(32, 32, "crop"), (32, 32)),
        (Shape(96, 96, "crop"), (96, 96)),
        (Shape(320, 240, "scale"), (320, 240)),
        (Shape(640, 480, "scale"), (640, 480)),
        (Shape(800, 600, "scale"), (800, 600)),
        # Never smaller than the wish, as far as we go.
        (Shape(1, 1, "scale"), (320, 240)),
        (Shape(321, 10, "scale"), (640, 480)),
        (Shape(100, 500, "scale"), (800, 600)),
        (Shape(2**53, 2**53, "scale"), (1600, 1200)),
        (Shape(33, 33, "crop"), (96, 96)),
        (Shape(97, 97, "crop"), (160, 160)),
        (Shape(2**53, 2**53, "crop"), (800, 800)),
        # In the proportions of the wish.
        (Shape(300, 150, "crop"), (320, 160)),
        (Shape(150, 300, "crop"), (160 * 1, 320)),
        (Shape(2**53, 1, "crop"), (800, 1)),
    ],
)
def test_the_size_that_serves_a_wish(wish: Shape, size: tuple[int, int]) -> None:
    assert offered(wish) == Shape(*size, wish.method)


class Counting(Workshop):
    """Counts what it makes."""

    made = 0

    async def make(self, order: Order) -> tuple[Answer, bytes]:
        self.made += 1
        return await super().make(order)


@pytest.fixture
async def workshop() -> AsyncIterator[Counting]:
    workshop = Counting()
    yield workshop
    await workshop.close()


async def size_of(thumbnails: Thumbnails, thumbnail: Thumbnail) -> tuple[int, int]:
    opened = await thumbnails.open(thumbnail)
    data = b"".join([chunk async for chunk in opened.read(0, thumbnail.size)])
    return Image.open(io.BytesIO(data)).size


async def test_a_thumbnail_is_made_when_it_is_first_asked_for_and_kept(
    files: Files, thumbnails: Thumbnails, workshop: Counting
) -> None:
    media = await files.find(await send(files, samples.png()))
    first = await thumbnails.of(media, Shape(300, 200, "scale"))
    assert await thumbnails.of(media, SMALL) == first
    assert await size_of(thumbnails, first) == (320, 240)
    assert workshop.made == 1
    assert await size_of(thumbnails, await thumbnails.of(media, Shape(50, 50, "crop"))) == (96, 96)


async def test_those_who_ask_at_once_get_the_same_one(
    files: Files, thumbnails: Thumbnails, workshop: Counting
) -> None:
    media = await files.find(await send(files, samples.film()))
    found = await asyncio.gather(*(thumbnails.of(media, SMALL) for _ in range(10)))
    assert len({each.place for each in found}) == 1
    assert workshop.made == 1


async def test_the_same_picture_of_somebody_else_has_its_thumbnails_already(
    files: Files, thumbnails: Thumbnails, workshop: Counting
) -> None:
    data = samples.png()
    await thumbnails.of(await files.find(await send(files, data)), SMALL)
    await thumbnails.of(await files.find(await send(files, data, BOB)), SMALL)
    assert workshop.made == 1


async def test_thumbnails_go_with_the_last_address_of_their_picture(
    files: Files, thumbnails: Thumbnails, directory: Path
) -> None:
    data = samples.png()
    first, second = await send(files, data), await send(files, data, BOB)
    await thumbnails.of(await files.find(first), SMALL)
    assert len(kept(directory)) == 2
    await files.delete(first)
    assert len(kept(directory)) == 2
    await files.delete(second)
    assert kept(directory) == []


async def test_a_sweep_leaves_thumbnails_alone(
    files: Files, thumbnails: Thumbnails, directory: Path, clock: HandClock
) -> None:
    await thumbnails.of(await files.find(await send(files, samples.png())), SMALL)
    clock.move(PATIENCE)
    await files.sweep()
    assert len(kept(directory)) == 2


async def test_a_picture_that_is_deleted_while_its_thumbnail_is_made_leaves_nothing(
    files: Files,
    database: Database,
    blobs: LocalBlobs,
    clock: HandClock,
    directory: Path,
) -> None:
    class Deleting(Workshop):
        async def make(self, order: Order) -> tuple[Answer, bytes]:
            made = await super().make(order)
            await files.delete(media.media_id)
            return made

    workshop = Deleting()
    thumbnails = Thumbnails(database, blobs, clock, workshop)
    media = await files.find(await send(files, samples.png()))
    with pytest.raises(errors.NotFound):
        await thumbnails.of(media, SMALL)
    assert kept(directory) == []
    await workshop.close()


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"hello", CannotThumbnail),
        (samples.SVG_WITH_SCRIPT, CannotThumbnail),
        (b"", CannotThumbnail),
        (samples.bomb(), errors.TooLarge),
    ],
    ids=["text", "svg", "empty", "bomb"],
)
async def test_what_has_no_thumbnail_is_looked_at_once(
    files: Files,
    thumbnails: Thumbnails,
    workshop: Counting,
    data: bytes,
    refusal: type[errors.MatrixError],
) -> None:
    media_id = await send(files, data)
    for wish in (SMALL, SMALL, Shape(32, 32, "crop")):
        with pytest.raises(refusal):
            await thumbnails.of(await files.find(media_id), wish)
    assert workshop.made == 1


@pytest.mark.parametrize(("again", "looks"), [(True, 2), (False, 1)])
async def test_a_worker_that_fails_is_asked_again_unless_the_file_was_to_blame(
    files: Files,
    database: Database,
    blobs: LocalBlobs,
    clock: HandClock,
    again: bool,
    looks: int,
) -> None:
    class Failing(Workshop):
        asked = 0

        async def make(self, order: Order) -> tuple[Answer, bytes]:
            self.asked += 1
            raise Failed(again=again)

    workshop = Failing()
    thumbnails = Thumbnails(database, blobs, clock, workshop)
    media_id = await send(files, samples.png())
    for _ in range(2):
        with pytest.raises(CannotThumbnail if again else errors.TooLarge):
            await thumbnails.of(await files.find(media_id), SMALL)
    assert workshop.asked == looks


async def test_odd_shapes_are_limited(
    files: Files, thumbnails: Thumbnails, workshop: Counting, directory: Path
) -> None:
    media = await files.find(await send(files, samples.png((64, 64))))
    for height in range(1, MOST_KEPT + 20):
        await thumbnails.of(media, Shape(800, height, "crop"))
    assert len(kept(directory)) == 1 + MOST_KEPT + 1


async def test_lost_bytes_are_not_found(
    files: Files, thumbnails: Thumbnails, blobs: LocalBlobs
) -> None:
    media = await files.find(await send(files, samples.png()))
    await blobs.delete(media.place or "")
    with pytest.raises(errors.NotFound):
        await thumbnails.of(media, SMALL)
