"""The load client: HTTP/1.1 over kept-alive connections to 127.0.0.1.

It shares the machine with the server that it measures, so it does as little as
it can: requests are bytes made beforehand, a connection carries one request at
a time, and bodies stay bytes until a measurement has to read them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Any, NamedTuple, TypeVar, cast

import httptools
import msgspec

HOST = "127.0.0.1"
CONNECTING_AT_ONCE = 256

Item = TypeVar("Item")


class Reply(NamedTuple):
    """A whole answer."""

    status: int
    body: bytes


class Refused(Exception):
    """The server answered with an error where a measurement needs success."""


def request(method: str, path: str, *, token: str = "", content: object = None) -> bytes:
    """The bytes of one request; `content` becomes the JSON body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    body = b"" if content is None else msgspec.json.encode(content)
    if content is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time; it reconnects when it was closed."""

    def __init__(self, port: int, *, receive_buffer: int = 0) -> None:
        self.port = port
        self.receive_buffer = receive_buffer
        self.transport: asyncio.Transport | None = None
        self.waiting: asyncio.Future[Reply] | None = None
        self.chunks: list[bytes] = []
        self.parser = httptools.HttpResponseParser(self)

    async def ask(self, message: bytes) -> Reply:
        """Send one prepared request and wait for its whole answer."""
        if self.transport is None:
            await self.open()
        transport = cast(asyncio.Transport, self.transport)
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.waiting = waiting
        transport.write(message)
        return await waiting

    async def need(self, message: bytes) -> bytes:
        """The body of a successful answer; raises Refused for any other."""
        status, body = await self.ask(message)
        if status != 200:
            first_line = message.partition(b"\r\n")[0].decode()
            raise Refused(f"{first_line}: {status} {body[:300].decode(errors='replace')}")
        return body

    async def read(self, message: bytes, kind: type[Item]) -> Item:
        """The decoded body of a successful answer."""
        return msgspec.json.decode(await self.need(message), type=kind)

    async def open(self) -> None:
        plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        plug.setblocking(False)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.receive_buffer:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plug, (HOST, self.port))
        await loop.create_connection(lambda: self, sock=plug)

    def stop_reading(self) -> None:
        """Behave like a client whose network has stalled."""
        assert self.transport is not None
        self.transport.pause_reading()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own type
        self.parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.chunks = []
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionResetError("The server closed the connection."))

    # What the parser calls.

    def on_body(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def on_message_complete(self) -> None:
        chunks, self.chunks = self.chunks, []
        waiting, self.waiting = self.waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Reply(self.parser.get_status_code(), b"".join(chunks)))


async def connect(port: int, count: int, **options: Any) -> list[Connection]:
    """Open so many connections, some at a time so that no backlog overflows."""
    lines = [Connection(port, **options) for _ in range(count)]
    for start in range(0, count, CONNECTING_AT_ONCE):
        await asyncio.gather(*(line.open() for line in lines[start : start + CONNECTING_AT_ONCE]))
    return lines


async def share_out(
    lines: Iterable[Connection],
    items: Iterable[Item],
    act: Callable[[Connection, Item], Awaitable[object]],
    *,
    until: float = float("inf"),
) -> int:
    """Every connection takes the next item when it is free; returns how many were done in time."""
    queue = iter(items)
    done = 0

    async def work(line: Connection) -> None:
        nonlocal done
        for item in queue:
            await act(line, item)
            if perf_counter() > until:
                return
            done += 1

    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(work(line))
    return done
