"""Requests exactly as written, which no well-behaved client would send."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit


class Response:
    """A status and a body, once the whole of it has come."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    @property
    def code(self) -> str | None:
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found.get("errcode") if isinstance(found, dict) else None

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:500]!r}>"


class Wire:
    """One connection, kept open from request to request. Raises EOFError when it is dropped."""

    def __init__(self, url: str, token: str = "") -> None:
        self._place = urlsplit(url)
        self.token = token

    async def __aenter__(self) -> "Wire":
        self.reader, self.writer = await asyncio.open_connection(
            self._place.hostname, self._place.port
        )
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.writer.close()

    async def ask(
        self, method: str, target: str | bytes, body: bytes | None = None, *headers: str
    ) -> Response:
        """`target` goes out as it is. The answer is read while the body is still on its way."""
        lines = [f"Host: {self._place.netloc}", *headers]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        target = target if isinstance(target, bytes) else target.encode()
        head = b"%s %s HTTP/1.1\r\n" % (method.encode(), target)
        head += "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
        self.writer.write(head + (body or b""))
        answer = asyncio.ensure_future(self._answer(method))
        await self.writer.drain()
        return await answer

    async def _answer(self, method: str) -> Response:
        head = await self.reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        number = int(status.split()[1])
        if method == "HEAD":
            return Response(number, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Response(number, await self._chunks())
        return Response(number, await self.reader.readexactly(int(headers["content-length"])))

    async def _chunks(self) -> bytes:
        found = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            found += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return found
