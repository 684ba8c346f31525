"""The way to the scribe: writes go out in order, each is answered when it is durable."""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import apsw
import msgspec

from qingxin.errors import Unavailable
from qingxin.store.database import ConstraintViolated, NothingReturned, Row, Unstorable, Write
from qingxin.store.scribe import Failure, Messages, Outcome, message

BUFFER = 4 * 1024 * 1024  # bytes between the two processes
STOPPING = "The server is shutting down."
ENDED = "The process that writes has ended. It is being started again."
EXCEPTIONS = {each.__name__: each for each in (ConstraintViolated, Unstorable, Unavailable)}

Answer = asyncio.Future[list[list[Row]]]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Outcome])


class Writer(asyncio.Protocol):
    """Starts the scribe when there is something to write, and again should it die."""

    def __init__(self, path: Path, lock: int) -> None:
        self.commits = 0
        self._path, self._lock = path, lock
        self._loop = asyncio.get_running_loop()
        self._outgoing: list[bytes] = []
        self._waiting: deque[Answer] = deque()
        self._scribe: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._starting: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def scribe(self) -> int:
        return self._scribe.pid if self._scribe else 0

    def submit(self, writes: Sequence[Write]) -> Answer:
        """Queue one write; it happens even when the future is cancelled meanwhile."""
        answer: Answer = self._loop.create_future()
        if self._closed:
            answer.set_exception(Unavailable(STOPPING))
            return answer
        try:
            body = _encoder.encode(writes)
        except (OverflowError, UnicodeEncodeError) as error:
            answer.set_exception(Unstorable(f"This cannot be stored: {error}."))
            return answer
        if not self._outgoing:
            self._loop.call_soon(self._send)
        self._outgoing.append(message(body))
        self._waiting.append(answer)
        return answer

    def start(self) -> None:
        """Start the scribe without waiting for it."""
        if self._starting is None or self._starting.done():
            self._starting = self._loop.create_task(self._start())

    async def _start(self) -> None:
        if self._scribe is not None:
            await asyncio.to_thread(self._scribe.wait)  # two would be one too many
        ours, its = socket.socketpair()
        for each in (ours, its):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        try:
            with its:
                self._scribe = _spawn(self._path, its.fileno(), self._lock)
        except OSError as error:
            ours.close()
            self._refuse(f"The process that writes cannot be started ({error}).")
            return
        self._messages = Messages()
        await self._loop.create_connection(lambda: self, sock=ours)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._send()

    def _send(self) -> None:
        """All that was submitted in this turn of the loop goes out together."""
        if self._transport is None:
            self.start()
        elif self._outgoing:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    def data_received(self, data: bytes) -> None:
        for each in self._messages.feed(data):
            self.commits += 1
            for outcome in _decoder.decode(each):
                _settle(self._waiting.popleft(), outcome)

    def connection_lost(self, error: Exception | None) -> None:
        # Whether the last ones were kept is unknown: who asked has to look, or to ask again.
        self._transport = None
        self._refuse(ENDED)

    def _refuse(self, why: str) -> None:
        self._outgoing.clear()
        while self._waiting:
            _settle(self._waiting.popleft(), Failure(Unavailable.__name__, why))

    async def close(self) -> None:
        """Write what is queued, then stop."""
        self._closed = True
        if self._starting is not None:
            await self._starting
        if self._waiting:
            await asyncio.wait(list(self._waiting))
        if self._transport is not None:
            self._transport.close()
        if self._scribe is not None:
            await asyncio.to_thread(self._scribe.wait)


def _spawn(path: Path, channel: int, lock: int) -> subprocess.Popen[bytes]:
    """It keeps the lock as well: nobody else may write before its last commit is over."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "qingxin.store.scribe", path, str(channel)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        pass_fds=(channel, lock),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _settle(answer: Answer, outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, Failure):
        answer.set_exception(_exception(outcome))
    else:
        answer.set_result(outcome)


def _exception(failure: Failure) -> Exception:
    if failure.kind == NothingReturned.__name__:
        return NothingReturned(failure.index)
    return EXCEPTIONS.get(failure.kind, apsw.SQLError)(failure.message)
