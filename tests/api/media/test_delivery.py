"""How a file arrives: safely, under its name, in parts, and only once."""

import asyncio
import hashlib
import os

import pytest

from tests.api.media.place import CONTENT, MEDIA, NEW, SERVER, MiB, Person, Place, refused
from tests.media import samples


async def test_every_file_is_sent_with_what_keeps_it_from_doing_harm(alice: Person) -> None:
    address = await alice.upload(samples.png(), "image/png")
    for answer in (await alice.download(address), await alice.thumbnail(address)):
        assert answer.headers["content-security-policy"] == (
            "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
            "style-src 'unsafe-inline'; object-src 'self';"
        )
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (samples.SVG_WITH_SCRIPT, "image/svg+xml"),
        (samples.SVG_WITH_SCRIPT, "image/svg"),
        (samples.HTML_WITH_SCRIPT, "text/html"),
        (samples.HTML_WITH_SCRIPT, "TEXT/HTML; charset=utf-8"),
        (b"alert(1)", "text/javascript"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<x/>", "application/xhtml+xml"),
    ],
)
async def test_what_could_run_in_a_browser_is_an_attachment(
    alice: Person, content: bytes, kind: str
) -> None:
    answer = await alice.download(await alice.upload(content, kind, "x"))
    assert answer.headers["content-disposition"] == "attachment; filename=x"
    assert answer.headers["content-type"] == kind


@pytest.mark.parametrize(
    ("sent", "served"),
    [
        (None, "application/octet-stream"),
        ("text/plain", "text/plain; charset=UTF-8"),
        ("text/plain;charset=gb18030", "text/plain;charset=gb18030"),
        (
            'video/mp4; codecs="avc1.42E01E, mp4a.40.2"',
            'video/mp4; codecs="avc1.42E01E, mp4a.40.2"',
        ),
        ("no type at all", "application/octet-stream"),
        ("image/png\t;", "application/octet-stream"),
        ("a/" + "b" * 300, "application/octet-stream"),
    ],
)
async def test_the_content_type_is_the_uploaders_if_it_is_one(
    alice: Person, sent: str | None, served: str
) -> None:
    address = await alice.upload(CONTENT, sent)
    assert (await alice.download(address)).headers["content-type"] == served


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        (None, "inline"),
        ("", "inline"),
        ("ascii", "inline; filename=ascii"),
        ("name with spaces", 'inline; filename="name with spaces"'),
        ("name;with;semicolons", 'inline; filename="name;with;semicolons"'),
        ("\N{CHICKEN}", "inline; filename*=utf-8''%F0%9F%90%94"),
        ("年度报告.pdf", "inline; filename*=utf-8''%E5%B9%B4%E5%BA%A6%E6%8A%A5%E5%91%8A.pdf"),
        ('a"b\\c', "inline; filename*=utf-8''a%22b%5Cc"),
        ("a\r\nSet-Cookie: b", "inline; filename*=utf-8''a%0D%0ASet-Cookie%3A%20b"),
        ("../../etc/passwd", 'inline; filename="../../etc/passwd"'),
    ],
)
async def test_a_name_arrives_as_it_was_given(
    alice: Person, name: str | None, disposition: str
) -> None:
    answer = await alice.download(await alice.upload(CONTENT, "text/plain", name))
    assert answer.headers["content-disposition"] == disposition


async def test_a_download_can_have_another_name(alice: Person) -> None:
    address = await alice.upload(CONTENT, "text/plain", "ascii")
    answer = await alice.download(address + "/%E2%98%95")
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''%E2%98%95"
    answer = await alice.download(address + "/also_ascii")
    assert answer.headers["content-disposition"] == "inline; filename=also_ascii"


@pytest.mark.parametrize("name", ["a\0b", "x" * 256])
async def test_a_name_that_cannot_be_kept_is_refused(alice: Person, name: str) -> None:
    answer = await alice.http.post(MEDIA + "/upload", content=b"", params={"filename": name})
    refused(answer, 400, "M_INVALID_PARAM")


async def test_a_name_that_is_no_unicode_is_refused(alice: Person) -> None:
    refused(
        await alice.http.post(MEDIA + "/upload?filename=%ED%A0%80", content=b""),
        400,
        "M_INVALID_PARAM",
    )


async def test_a_slow_reader_stands_in_nobodys_way(alice: Person, place: Place) -> None:
    address = await alice.upload(os.urandom(4 * MiB), "video/mp4")
    slow = []
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=1024)
        path = f"{NEW}/download/{address}".encode()
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bob\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        slow.append(writer)
    assert len((await alice.download(address)).content) == 4 * MiB
    for writer in slow:
        writer.transport.abort()


@pytest.mark.parametrize("size", [10, 3 * MiB])
async def test_a_part_of_a_file_can_be_downloaded(alice: Person, size: int) -> None:
    data = os.urandom(size)
    address = await alice.upload(data, "audio/ogg")
    parts = [
        ("bytes=0-3", 0, 4),
        ("bytes=4-4", 4, 5),
        ("bytes=2-", 2, size),
        ("bytes=-3", size - 3, size),
        (f"bytes=0-{size * 2}", 0, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"Bytes={size - 1}-", size - 1, size),
    ]
    for asked, start, stop in parts:
        answer = await alice.download(address, range=asked)
        assert (answer.status_code, answer.content) == (206, data[start:stop]), asked
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer.headers["content-length"] == str(stop - start)
        assert answer.headers["content-type"] == "audio/ogg"


@pytest.mark.parametrize(
    "asked", ["bytes=3-1", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "x"]
)
async def test_what_is_no_single_range_gets_the_whole_file(alice: Person, asked: str) -> None:
    address = await alice.upload(CONTENT)
    answer = await alice.download(address, range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"


async def test_a_part_that_is_not_there_is_refused(alice: Person) -> None:
    empty, address = await alice.upload(b""), await alice.upload(CONTENT)
    for where, asked, size in (
        (address, f"bytes={len(CONTENT)}-", len(CONTENT)),
        (address, "bytes=-0", len(CONTENT)),
        (address, "bytes=999999999999999999-", len(CONTENT)),
        (empty, "bytes=0-", 0),
    ):
        answer = await alice.download(where, range=asked)
        refused(answer, 416, "M_INVALID_PARAM")
        assert answer.headers["content-range"] == f"bytes */{size}"


async def test_a_part_depends_on_the_tag_where_it_says_so(alice: Person) -> None:
    address = await alice.upload(CONTENT)
    tag = (await alice.download(address)).headers["etag"]
    assert tag == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert (await alice.download(address, range="bytes=0-3", if_range=tag)).status_code == 206
    for other in ('"other"', f"W/{tag}", "Mon, 01 Jan 2035 00:00:00 GMT"):
        answer = await alice.download(address, range="bytes=0-3", if_range=other)
        assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_what_a_client_has_already_is_not_sent_again(alice: Person) -> None:
    address = await alice.upload(samples.png(), "image/png")
    for answer in (await alice.download(address), await alice.thumbnail(address)):
        tag, path = answer.headers["etag"], answer.request.url
        assert "immutable" in answer.headers["cache-control"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await alice.http.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
        again = await alice.http.get(path, headers={"If-None-Match": '"other"'})
        assert again.status_code == 200


async def test_head_tells_the_size_and_sends_nothing(alice: Person) -> None:
    address = await alice.upload(samples.png(), "image/png")
    for path in (f"{NEW}/download/{address}", f"{MEDIA}/download/{address}"):
        answer = await alice.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == str(len(samples.png()))
    refused(await alice.http.get(f"{NEW}/download/{SERVER}/missing"), 404, "M_NOT_FOUND")
