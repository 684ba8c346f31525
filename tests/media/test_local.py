"""The directory of blobs: whole files or nothing, and a full disk is said as such."""

import asyncio
import contextlib
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qingxin.errors import Unavailable
from qingxin.media import local
from qingxin.media.blobs import CHUNK, Missing
from qingxin.media.local import LocalBlobs
from tests.media.acts import kept, until
from tests.media.conftest import MiB

PLACE = "ab/cdef-ghijkl"


async def put(blobs: LocalBlobs, data: bytes) -> None:
    async with blobs.receive() as spool:
        await spool.write(data)
        await spool.finish()
        await spool.put(PLACE)


async def test_a_blob_is_read_in_any_part(blobs: LocalBlobs) -> None:
    data = os.urandom(2 * CHUNK + 5)
    await put(blobs, data)
    opened = await blobs.open(PLACE)
    parts = [(0, len(data)), (CHUNK - 1, CHUNK + 1), (len(data) - 5, len(data)), (7, 7)]
    for start, stop in parts:
        read = [chunk async for chunk in opened.read(start, stop)]
        assert b"".join(read) == data[start:stop]
        assert all(len(chunk) <= CHUNK for chunk in read)


async def test_a_spool_that_is_not_put_is_gone(blobs: LocalBlobs, directory: Path) -> None:
    async with blobs.receive() as spool:
        await spool.write(bytes(CHUNK))
        assert len(kept(directory)) == 1
    assert kept(directory) == []


async def test_what_is_not_there_is_missing(blobs: LocalBlobs) -> None:
    with pytest.raises(Missing):
        await blobs.open(PLACE)
    with pytest.raises(Missing):
        async with blobs.lend(PLACE):
            pass
    await blobs.delete(PLACE)


async def test_a_blob_that_was_cut_short_is_missing(blobs: LocalBlobs, directory: Path) -> None:
    await put(blobs, b"news")
    (directory / "blobs" / PLACE).write_bytes(b"ne")
    opened = await blobs.open(PLACE)
    with pytest.raises(Missing):
        assert [chunk async for chunk in opened.read(0, 4)]


async def test_a_sweep_takes_what_the_dead_have_left_and_nothing_of_the_living(
    blobs: LocalBlobs, directory: Path
) -> None:
    (directory / "incoming" / "abandoned").write_bytes(b"ne")
    async with blobs.receive() as spool:
        await spool.write(bytes(CHUNK))
        assert await blobs.sweep() == 1
        await spool.finish()
        await spool.put(PLACE)
    assert [path.name for path in kept(directory)] == [Path(PLACE).name]
    assert await blobs.sweep() == 0


async def test_two_servers_may_share_the_directory(blobs: LocalBlobs, directory: Path) -> None:
    other = LocalBlobs(directory)
    await put(blobs, b"news")
    async with other.lend(PLACE) as path:
        assert path.read_bytes() == b"news"
    await other.close()


@contextlib.contextmanager
def a_disk_that_holds(size: int) -> Iterator[None]:
    """No file of this process grows beyond it meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_unavailable_and_leaves_nothing(
    blobs: LocalBlobs, directory: Path
) -> None:
    with a_disk_that_holds(MiB), pytest.raises(Unavailable, match="no room"):
        async with blobs.receive() as spool:
            while True:
                await spool.write(bytes(CHUNK))
    assert kept(directory) == []
    await put(blobs, b"news")


async def test_a_lost_directory_is_unavailable(blobs: LocalBlobs, directory: Path) -> None:
    (directory / "incoming").rmdir()
    with pytest.raises(Unavailable):
        await put(blobs, b"news")


async def test_a_cancelled_write_never_reaches_another_file(
    blobs: LocalBlobs, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a closed file is the next file's: a late write would go there."""
    begun, go_on, written = threading.Event(), threading.Event(), threading.Event()
    write = local._write

    def late(file: int, data: bytes) -> None:
        begun.set()
        go_on.wait()
        write(file, data)
        written.set()

    monkeypatch.setattr(local, "_write", late)

    async def upload() -> None:
        async with blobs.receive() as spool:
            await spool.write(bytes(CHUNK))

    uploading = asyncio.create_task(upload())
    await until(begun.is_set)
    uploading.cancel()
    await asyncio.wait({uploading}, timeout=0.2)
    with (directory / "victim").open("wb"):
        go_on.set()
        await until(written.is_set)
    await asyncio.wait({uploading})
    assert (directory / "victim").stat().st_size == 0
    assert kept(directory) == [directory / "victim"]
