"""Blobs in a directory of this machine.

What arrives is written beside the blobs, brought to the disk and renamed into its place, so
that a place holds the whole file or nothing, whenever the power goes.
"""

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from typing import TypeVar

from qingxin.errors import Unavailable
from qingxin.ids import opaque
from qingxin.media.blobs import CHUNK, Missing, Opened, Spool

T = TypeVar("T")
logger = logging.getLogger("qingxin.media")

THREADS = 4  # as many files wait for the disk at once
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


class LocalBlobs:
    """Blobs in a directory: `incoming/` for the spools, `blobs/ab/cdef…` for what is kept."""

    def __init__(self, directory: Path) -> None:
        self._incoming = directory / "incoming"
        self._blobs = directory / "blobs"
        self._threads = Threads()
        self._incoming.mkdir(parents=True, exist_ok=True)
        for number in range(256):
            (self._blobs / f"{number:02x}").mkdir(parents=True, exist_ok=True)
        _sync_directory(self._blobs)

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[Spool]:
        spool = LocalSpool(self._incoming / opaque(), self._blobs, self._threads)
        try:
            yield spool
        finally:
            await asyncio.shield(self._threads.run(spool.discard))

    async def open(self, place: str) -> Opened:
        return await self._threads.run(lambda: LocalFile(self._blobs / place, self._threads))

    @asynccontextmanager
    async def lend(self, place: str) -> AsyncIterator[Path]:
        if not await self._threads.run((self._blobs / place).exists):
            raise Missing(place)
        yield self._blobs / place

    async def delete(self, place: str) -> None:
        await self._threads.run(lambda: (self._blobs / place).unlink(missing_ok=True))

    async def sweep(self) -> int:
        return await self._threads.run(lambda: sum(map(_abandon, self._incoming.iterdir())))

    async def close(self) -> None:
        self._threads.close()


class Threads:
    """Calls that may wait for the disk, away from the event loop; a full disk is Unavailable."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "media")

    async def run(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except FileNotFoundError as error:
            raise Missing(str(error)) from None
        except OSError as error:
            logger.error("The media directory cannot be used: %s", error)
            if error.errno in FULL:
                raise Unavailable("The server has no room for files right now.") from error
            raise Unavailable("The server cannot reach its files right now.") from error

    def close(self) -> None:
        self._pool.shutdown(wait=True)


class LocalSpool:
    """A temporary file in the same file system as the blobs, locked while its writer lives."""

    def __init__(self, path: Path, blobs: Path, threads: Threads) -> None:
        self.size = 0
        self._path = path
        self._blobs = blobs
        self._threads = threads
        self._hash = hashlib.sha256()
        self._pieces: list[bytes] = []
        self._waiting = 0  # bytes in those pieces
        self._file = -1
        self._over = False
        # A cancelled upload must not close the file under a thread that still writes to it:
        # the number of a closed file is soon another file's.
        self._turn = Lock()

    async def write(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._waiting += len(piece)
        self.size += len(piece)
        if self._waiting >= CHUNK:
            await self._run(self._flush)

    async def finish(self) -> str:
        await self._run(self._sync)
        return self._hash.hexdigest()

    async def put(self, place: str) -> None:
        await self._run(lambda: _settle(self._path, self._blobs / place))

    def discard(self) -> None:
        with self._turn:
            self._over = True
            if self._file >= 0:
                self._path.unlink(missing_ok=True)
                os.close(self._file)

    async def _run(self, call: Callable[[], None]) -> None:
        try:
            await self._threads.run(lambda: self._unless_over(call))
        except Missing as error:
            logger.error("The media directory has lost a file: %s", error)
            raise Unavailable("The server cannot reach its files right now.") from error

    def _unless_over(self, call: Callable[[], None]) -> None:
        with self._turn:
            if not self._over:
                call()

    def _flush(self) -> None:
        if self._file < 0:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)  # tells `sweep` that we are alive
        data, self._pieces, self._waiting = b"".join(self._pieces), [], 0
        self._hash.update(data)
        _write(self._file, data)

    def _sync(self) -> None:
        self._flush()
        os.fsync(self._file)


class LocalFile:
    """An open blob. Reading goes by position, so that one file serves any number of readers."""

    def __init__(self, path: Path, threads: Threads) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed when the last reader is gone
        self._threads = threads

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        while start < stop:
            chunk = await self._threads.run(self._chunk(start, min(CHUNK, stop - start)))
            if not chunk:
                raise Missing("The file is shorter than it was.")
            yield chunk
            start += len(chunk)

    def _chunk(self, start: int, length: int) -> Callable[[], bytes]:
        return lambda: os.pread(self._file.fileno(), length, start)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _settle(path: Path, target: Path) -> None:
    """Move a durable file to its place durably: the name has to reach the disk as well."""
    os.rename(path, target)
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _abandon(path: Path) -> bool:
    """Remove a spool whose writer is dead: the lock of a living one cannot be had."""
    with contextlib.suppress(FileNotFoundError, BlockingIOError), open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    return False
