"""Files are kept once, counted exactly and known only when they are whole."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin import errors
from qingxin.clock import HandClock
from qingxin.media import arrivals
from qingxin.media.files import MOST_PENDING, PROMISE, Files, Label, Limits, Usage
from qingxin.media.local import LocalBlobs, LocalSpool
from qingxin.media.places import PATIENCE
from qingxin.store.database import Database
from tests.media.acts import ALICE, BOB, kept, pieces, read, send
from tests.media.conftest import MiB

LABEL = Label("text/plain")


async def test_what_was_sent_is_what_is_read(files: Files) -> None:
    data = os.urandom(3 * MiB + 17)
    media_id = await files.upload(ALICE, Label("image/png", "照片.png", len(data)), pieces(data))
    media = await files.find(media_id)
    assert await read(files, media_id) == data
    assert (media.owner, media.content_type, media.filename, media.size, media.state) == (
        (ALICE, "image/png", "照片.png", len(data), "ready")
    )


async def test_an_empty_file_is_a_file(files: Files) -> None:
    assert await read(files, await send(files, b"")) == b""


async def test_the_same_bytes_are_kept_once_whoever_sends_them(
    files: Files, directory: Path
) -> None:
    first, second = await send(files, b"news"), await send(files, b"news", BOB)
    assert first != second
    assert len(kept(directory)) == 1
    assert await read(files, first) == await read(files, second) == b"news"


async def test_the_same_bytes_sent_at_once_are_kept_once(files: Files, directory: Path) -> None:
    sent = await asyncio.gather(*(send(files, b"news" * MiB) for _ in range(8)))
    assert len(set(sent)) == 8
    assert len(kept(directory)) == 1
    assert await read(files, sent[7]) == b"news" * MiB


async def test_a_file_is_never_whole_in_memory(files: Files) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(112):
            yield bytes(64 * 1024)

    tracemalloc.start()
    try:
        await files.upload(ALICE, LABEL, body())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MiB


@pytest.mark.parametrize("announced", [None, 9 * MiB])
async def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    files: Files, directory: Path, announced: int | None
) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += MiB
            yield bytes(MiB)

    with pytest.raises(errors.TooLarge):
        await files.upload(ALICE, Label("text/plain", None, announced), body())
    assert taken == (0 if announced else 9 * MiB)
    assert kept(directory) == []


async def test_an_upload_that_breaks_off_leaves_nothing(files: Files, directory: Path) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield bytes(MiB)
        assert len(kept(directory)) == 1
        raise errors.BadRequest("The connection broke off.")

    with pytest.raises(errors.BadRequest):
        await files.upload(ALICE, LABEL, body())
    assert kept(directory) == []
    assert await files.usage(ALICE) == Usage()


async def test_an_upload_that_is_cancelled_leaves_nothing(files: Files, directory: Path) -> None:
    waiting = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield bytes(MiB)
        waiting.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(files.upload(ALICE, LABEL, body()))
    await waiting.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert kept(directory) == []


@pytest.fixture
def small(database: Database, blobs: LocalBlobs, clock: HandClock) -> Files:
    return Files(database, blobs, clock, Limits(max_upload=8 * MiB, quota=10))


async def test_the_quota_is_exact_also_for_uploads_at_once(small: Files) -> None:
    sent = await asyncio.gather(
        *(send(small, bytes([number] * 4)) for number in range(5)), return_exceptions=True
    )
    refused = [error for error in sent if isinstance(error, errors.Forbidden)]
    assert len(refused) == 3
    assert "10 bytes" in refused[0].message
    assert await small.usage(ALICE) == Usage(8, 2)


async def test_what_the_quota_refused_leaves_nothing(small: Files, directory: Path) -> None:
    with pytest.raises(errors.Forbidden):
        await send(small, bytes(11))
    assert kept(directory) == []


async def test_the_quota_refuses_an_announced_length_unread(small: Files) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("nobody should read this")
        yield b""

    with pytest.raises(errors.Forbidden):
        await small.upload(ALICE, Label("text/plain", None, 11), body())


async def test_a_quota_is_each_members_own_and_deleting_makes_room(small: Files) -> None:
    first = await send(small, bytes(10))
    await send(small, bytes(10), BOB)
    with pytest.raises(errors.Forbidden):
        await send(small, b"x")
    await small.delete(first)
    await send(small, b"x")
    assert (await small.usage(ALICE), await small.usage(BOB)) == (Usage(1, 1), Usage(10, 1))


async def test_bytes_stay_until_their_last_address_is_deleted(
    files: Files, directory: Path
) -> None:
    first, second = await send(files, b"news"), await send(files, b"news", BOB)
    assert await files.delete(first)
    with pytest.raises(errors.NotFound):
        await files.find(first)
    assert await read(files, second) == b"news"
    assert await files.delete(second)
    assert kept(directory) == []
    assert not await files.delete(second)


async def test_bytes_can_be_sent_again_after_they_were_deleted(files: Files) -> None:
    await files.delete(await send(files, b"news"))
    assert await read(files, await send(files, b"news")) == b"news"


async def test_sending_and_deleting_the_same_bytes_at_once_never_loses_them(
    files: Files, directory: Path
) -> None:
    async def once(owner: str) -> None:
        media_id = await send(files, b"news", owner)
        assert await read(files, media_id) == b"news"
        await files.delete(media_id)

    for _ in range(5):
        await asyncio.gather(*(once(f"@member{number}:example.org") for number in range(8)))
    assert kept(directory) == []


async def test_who_reads_a_file_can_finish_when_it_is_deleted(files: Files) -> None:
    media_id = await send(files, b"news")
    opened = await files.open(await files.find(media_id))
    await files.delete(media_id)
    assert [chunk async for chunk in opened.read(0, 4)] == [b"news"]


async def test_a_file_in_quarantine_is_not_found_until_it_is_released(files: Files) -> None:
    media_id = await send(files, b"news")
    assert await files.quarantine(media_id)
    with pytest.raises(errors.NotFound):
        await files.find(media_id)
    assert not await files.quarantine(media_id)
    assert await files.release(media_id)
    assert await read(files, media_id) == b"news"


async def test_a_promised_file_is_read_after_it_came(files: Files) -> None:
    media_id = (await files.reserve(ALICE)).media_id
    with pytest.raises(errors.NotYetUploaded):
        await files.find(media_id)
    await files.fulfil(ALICE, media_id, LABEL, pieces(b"news"))
    assert await read(files, media_id) == b"news"


async def test_who_waits_for_a_promised_file_gets_it_when_it_comes(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "OFTEN", 1_000_000)
    media_id = (await files.reserve(ALICE)).media_id
    waiting = asyncio.create_task(files.find(media_id, wait=1_000_000))
    await asyncio.sleep(0)
    await files.fulfil(ALICE, media_id, LABEL, pieces(b"news"))
    async with asyncio.timeout(60):  # rather than hang
        assert (await waiting).size == 4


async def test_who_waits_gets_it_also_when_it_comes_to_another_machine(
    files: Files,
    database: Database,
    blobs: LocalBlobs,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "OFTEN", 0.01)
    other = Files(database, blobs, clock, Limits(max_upload=MiB))
    media_id = (await files.reserve(ALICE)).media_id
    waiting = asyncio.create_task(files.find(media_id, wait=60))
    await other.fulfil(ALICE, media_id, LABEL, pieces(b"news"))
    assert (await waiting).size == 4


async def test_a_promised_file_comes_once(files: Files, directory: Path) -> None:
    media_id = (await files.reserve(ALICE)).media_id
    tried = await asyncio.gather(
        *(files.fulfil(ALICE, media_id, LABEL, pieces(bytes([n]))) for n in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(error, errors.CannotOverwriteMedia) for error in tried) == 3
    assert len(kept(directory)) == 1
    assert await files.usage(ALICE) == Usage(1, 1)


async def test_nobody_else_uploads_to_a_members_address(files: Files) -> None:
    media_id = (await files.reserve(ALICE)).media_id
    with pytest.raises(errors.Forbidden):
        await files.fulfil(BOB, media_id, LABEL, pieces(b"news"))


async def test_a_promise_expires(files: Files, clock: HandClock) -> None:
    reserved = await files.reserve(ALICE)
    assert reserved.expires == clock.now() + PROMISE
    clock.move(PROMISE)
    with pytest.raises(errors.NotFound):
        await files.fulfil(ALICE, reserved.media_id, LABEL, pieces(b"news"))
    with pytest.raises(errors.NotFound):
        await files.find(reserved.media_id)
    await files.sweep()
    assert not await files.delete(reserved.media_id)


async def test_promises_are_limited_until_they_are_kept_or_expire(
    files: Files, clock: HandClock
) -> None:
    reserved = [await files.reserve(ALICE) for _ in range(MOST_PENDING)]
    with pytest.raises(errors.LimitExceeded):
        await files.reserve(ALICE)
    await files.reserve(BOB)
    await files.fulfil(ALICE, reserved[0].media_id, LABEL, pieces(b"news"))
    await files.reserve(ALICE)
    clock.move(PROMISE)
    await files.reserve(ALICE)


async def test_a_sweep_leaves_alone_what_is_kept(files: Files, clock: HandClock) -> None:
    media_id = await send(files, b"news")
    promised = await files.reserve(ALICE)
    clock.move(PROMISE - 1)
    await files.sweep()
    clock.move(100 * PROMISE)
    assert await read(files, media_id) == b"news"
    clock.move(-100 * PROMISE)
    await files.fulfil(ALICE, promised.media_id, LABEL, pieces(b"late"))
    await files.sweep()
    assert await read(files, promised.media_id) == b"late"


async def test_an_upload_that_slept_until_its_place_was_swept_is_to_be_sent_again(
    files: Files, directory: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalSpool.put

    async def sleepy(spool: LocalSpool, place: str) -> None:
        await put(spool, place)
        clock.move(PATIENCE)
        await files.sweep()

    monkeypatch.setattr(LocalSpool, "put", sleepy)
    with pytest.raises(errors.Unavailable):
        await send(files, b"news")
    assert kept(directory) == []
    assert await files.usage(ALICE) == Usage()
