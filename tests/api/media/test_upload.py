"""Uploads: at once or to an address made before, whole or refused, and nothing half."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from qingxin.clock import HandClock
from qingxin.media.files import MOST_PENDING, PROMISE
from tests.api.media.place import CONTENT, MEDIA, SERVER, MiB, Person, Place, refused
from tests.media.acts import kept, until


async def test_what_alice_uploads_bob_can_download(alice: Person, bob: Person) -> None:
    data = os.urandom(3 * MiB)
    answer = await bob.download(await alice.upload(data, "image/png", "cat.png"))
    assert answer.content == data
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["content-disposition"] == "inline; filename=cat.png"


async def test_a_file_of_no_announced_length_is_a_file(alice: Person) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield CONTENT

    assert (await alice.download(await alice.upload(body()))).content == CONTENT * 10


async def test_an_empty_file_is_a_file(alice: Person) -> None:
    answer = await alice.download(await alice.upload(b""))
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_file_can_be_uploaded_to_an_address_made_before(
    alice: Person, bob: Person, clock: HandClock
) -> None:
    answer = await alice.http.post("/_matrix/media/v1/create")
    assert answer.json()["unused_expires_at"] == clock.now() + PROMISE
    address = answer.json()["content_uri"].removeprefix("mxc://")
    refused(await bob.download(address + "?timeout_ms=0"), 504, "M_NOT_YET_UPLOADED")
    refused(await bob.thumbnail(address, timeout_ms=0), 504, "M_NOT_YET_UPLOADED")
    path = f"{MEDIA}/upload/{address}"
    refused(await bob.http.put(path, content=b"mine"), 403, "M_FORBIDDEN")
    answer = await alice.http.put(
        path, content=CONTENT, params={"filename": "x"}, headers={"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()) == (200, {})
    answer = await bob.download(address)
    assert answer.content == CONTENT
    assert answer.headers["content-disposition"] == "inline; filename=x"
    refused(await alice.http.put(path), 409, "M_CANNOT_OVERWRITE_MEDIA")
    assert (await bob.download(address)).content == CONTENT


async def test_an_address_cannot_be_invented(alice: Person) -> None:
    answer = await alice.http.put(f"{MEDIA}/upload/{SERVER}/invented", content=b"")
    refused(answer, 404, "M_NOT_FOUND")


async def test_a_file_that_came_at_once_cannot_be_overwritten(alice: Person) -> None:
    answer = await alice.http.put(f"{MEDIA}/upload/{await alice.upload(b'')}", content=b"")
    refused(answer, 409, "M_CANNOT_OVERWRITE_MEDIA")


async def test_who_waits_gets_the_file_when_it_comes(alice: Person, bob: Person) -> None:
    address = await alice.create()
    waiting = asyncio.create_task(bob.download(address))
    await alice.http.put(f"{MEDIA}/upload/{address}", content=CONTENT)
    assert (await waiting).content == CONTENT


async def test_addresses_that_nobody_uploads_to_expire(alice: Person, clock: HandClock) -> None:
    address = await alice.create()
    clock.move(PROMISE)
    refused(await alice.http.put(f"{MEDIA}/upload/{address}"), 404, "M_NOT_FOUND")
    refused(await alice.download(address), 404, "M_NOT_FOUND")


async def test_addresses_in_advance_are_limited(alice: Person) -> None:
    for _ in range(MOST_PENDING):
        await alice.create()
    answer = await alice.http.post("/_matrix/media/v1/create")
    refused(answer, 429, "M_LIMIT_EXCEEDED")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_refused(
    alice: Person, place: Place, announced: bool
) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield bytes(MiB)

    content = bytes(5 * MiB) if announced else body()
    refused(await alice.http.post(MEDIA + "/upload", content=content), 413, "M_TOO_LARGE")
    assert kept(place.directory) == []
    assert await alice.upload(bytes(4 * MiB))


async def test_an_upload_that_breaks_off_leaves_nothing(alice: Person, place: Place) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(
        b"POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n"
        b"Content-Length: 2000000\r\n\r\n" + bytes(MiB)
    )
    await writer.drain()
    await until(lambda: kept(place.directory) != [])
    writer.transport.abort()
    await until(lambda: kept(place.directory) == [])
    assert (await place.files.usage(f"@alice:{SERVER}")).bytes == 0
