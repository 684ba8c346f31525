"""A stored file as an HTTP answer: safe headers, caching, ranges.

RFC 9110 8.8, 13 and 14; RFC 6266 for names; spec: client-server-api/#content-repository.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

from msgspec import Struct

from qingxin.api.http import CORS, Call, Reply, Stream, encode
from qingxin.errors import NotFound
from qingxin.media.blobs import CHUNK, Missing, Opened

# spec: client-server-api/#serving-inline-content
INLINE = frozenset(
    {
        "text/css",
        "text/plain",
        "text/csv",
        "application/json",
        "application/ld+json",
        "image/jpeg",
        "image/gif",
        "image/png",
        "image/apng",
        "image/webp",
        "image/avif",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/quicktime",
        "audio/mp4",
        "audio/webm",
        "audio/aac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wave",
        "audio/wav",
        "audio/x-wav",
        "audio/x-pn-wav",
        "audio/flac",
        "audio/x-flac",
    }
)
UNICODE = frozenset({"text/css", "text/csv", "text/plain", "application/json"})
POLICY = (
    b"sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
    b"style-src 'unsafe-inline'; object-src 'self';"
)
SAFE = [
    (b"content-security-policy", POLICY),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    *CORS,
]
TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+\Z")
QUOTABLE = re.compile(r"[ -~]+\Z")
ONE_RANGE = re.compile(r"bytes=(?!-\Z)(\d{0,18})-(\d{0,18})\Z", re.IGNORECASE)

Headers = list[tuple[bytes, bytes]]


class Unsatisfiable(Exception):
    """There is no such part of the file (RFC 9110 15.5.17)."""


class Item(Struct, frozen=True):
    """What is delivered: bytes that never change, known by their hash."""

    content_type: str
    size: int
    hash: str
    filename: str | None
    open: Callable[[], Awaitable[Opened]]


async def deliver(call: Call, item: Item) -> Reply | Stream:
    """Answer a GET or HEAD, by range and condition as it asks. Raises NotFound."""
    tag = f'"{item.hash}"'
    headers: Headers = [
        (b"etag", tag.encode()),
        (b"cache-control", b"private, max-age=31536000, immutable"),
        *SAFE,
    ]
    if known := call.header(b"if-none-match"):
        if matches(known, tag):
            return Stream(_nothing(), 304, headers)
    try:
        part = requested(call, item.size, tag)
    except Unsatisfiable:
        return _unsatisfiable(item.size)
    start, stop = part or (0, item.size)
    headers += [
        (b"content-type", served_type(item.content_type).encode()),
        (b"content-disposition", disposition(item.content_type, item.filename).encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if part:
        headers.append((b"content-range", f"bytes {start}-{stop - 1}/{item.size}".encode()))
    status = 206 if part else 200
    if call.method == "HEAD":
        length = (b"content-length", str(stop - start).encode())
        return Stream(_nothing(), status, [*headers, length])
    return await _body(item, start, stop, status=status, headers=headers)


async def _body(
    item: Item, start: int, stop: int, *, status: int, headers: Headers
) -> Reply | Stream:
    try:
        chunks = (await item.open()).read(start, stop)
        if stop - start <= CHUNK:
            return Reply(b"".join([chunk async for chunk in chunks]), status, headers)
    except Missing:
        raise NotFound("The bytes of this file are lost.") from None
    length = (b"content-length", str(stop - start).encode())
    return Stream(chunks, status, [*headers, length])


def requested(call: Call, size: int, tag: str) -> tuple[int, int] | None:
    """The part that is asked for, or None for all. Raises Unsatisfiable.

    Several ranges at once are answered with everything, as RFC 9110 14.2 allows.
    """
    found = ONE_RANGE.match(call.header(b"range"))
    if found is None or call.header(b"if-range") not in ("", tag):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None  # that is no range
    if start >= stop:
        raise Unsatisfiable
    return start, stop


def matches(known: str, tag: str) -> bool:
    """Whether If-None-Match names this tag (weak comparison, RFC 9110 13.1.2)."""
    return known.strip() == "*" or tag in (
        each.strip().removeprefix("W/") for each in known.split(",")
    )


def served_type(content_type: str) -> str:
    """The uploader's content type; text is Unicode unless it says otherwise."""
    return f"{content_type}; charset=UTF-8" if content_type.lower() in UNICODE else content_type


def disposition(content_type: str, filename: str | None) -> str:
    """Whether a browser may show the file in place, and its name (RFC 6266, RFC 8187)."""
    bare = content_type.partition(";")[0].strip().lower()
    how = "inline" if bare in INLINE else "attachment"
    if not filename:
        return how
    if TOKEN.match(filename):
        return f"{how}; filename={filename}"
    if QUOTABLE.match(filename) and not set(filename) & set('"\\%'):
        return f'{how}; filename="{filename}"'
    return f"{how}; filename*=utf-8''{quote(filename, safe='')}"


def _unsatisfiable(size: int) -> Reply:
    body = {"errcode": "M_INVALID_PARAM", "error": f"The file has only {size:,} bytes."}
    headers = [(b"content-type", b"application/json"), *CORS]
    return Reply(encode(body), 416, [*headers, (b"content-range", f"bytes */{size}".encode())])


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk
