"""Where bytes lie: a store of blobs, each written once under a place that is never used again.

Here it is a directory (`media/local.py`); whatever can receive, open, lend and delete, such as
an S3-compatible store, can stand in for it.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

CHUNK = 256 * 1024  # bytes read or written at once


class Missing(Exception):
    """There is no blob at this place."""


class Spool(Protocol):
    """Bytes on their way in: counted and hashed as they arrive, gone unless they are put."""

    size: int

    async def write(self, piece: bytes) -> None: ...

    async def finish(self) -> str:
        """Wait until the bytes are on the disk; their SHA-256 in hex."""
        ...

    async def put(self, place: str) -> None:
        """Durably keep the finished bytes at `place`."""
        ...


class Opened(Protocol):
    """A blob that can be read, also after it was deleted."""

    def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `stop`, in chunks."""
        ...


class Blobs(Protocol):
    """A store of blobs. Every method may raise Unavailable."""

    def receive(self) -> AbstractAsyncContextManager[Spool]: ...

    async def open(self, place: str) -> Opened:
        """Raises Missing."""
        ...

    def lend(self, place: str) -> AbstractAsyncContextManager[Path]:
        """The blob as a local file, to be read only. Raises Missing."""
        ...

    async def delete(self, place: str) -> None:
        """Remove the blob, if it is there."""
        ...

    async def sweep(self) -> int:
        """Remove what broken-off uploads have left; how many there were."""
        ...

    async def close(self) -> None: ...
