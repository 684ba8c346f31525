"""A server of files that kills itself at a given moment: run as a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

from qingxin.clock import HandClock
from qingxin.media.files import Files, Label, Limits
from qingxin.media.local import LocalBlobs
from qingxin.store.database import Row, Statement, Write
from qingxin.store.sqlite import SQLite
from tests.media.acts import BOB, pieces, send
from tests.media.conftest import MiB


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


class MortalDatabase(SQLite):
    """Dies before or after the write whose SQL contains some words."""

    before = after = "never"

    async def write(self, *writes: Write) -> list[list[Row]]:
        text = " ".join(write.sql for write in writes if isinstance(write, Statement))
        if self.before in text:
            die()
        answer = await super().write(*writes)
        if self.after in text:
            die()
        return answer


class MortalBlobs(LocalBlobs):
    """Dies before it removes anything."""

    async def delete(self, place: str) -> None:
        die()


async def body(moment: str) -> AsyncIterator[bytes]:
    async for piece in pieces(bytes(2 * MiB)):
        yield piece
    if moment == "body":
        die()


async def main(moment: str, path: str, directory: str) -> None:
    database = MortalDatabase(Path(path))
    await database.open()
    blobs = MortalBlobs(Path(directory))
    files: Any = Files(database, blobs, HandClock(), Limits(max_upload=8 * MiB))
    print(await send(files, b"kept"), flush=True)
    if moment == "delete":
        media_id = await send(files, b"gone", BOB)
        print(media_id, flush=True)
        await files.delete(media_id)
    reserved = await files.reserve(BOB)
    print(reserved.media_id, flush=True)
    if moment == "announce":
        database.before = "INTO media_litter"
    if moment == "put":
        database.after = "INTO media_litter"
    if moment == "known":
        database.before = "INTO media_blobs"
    if moment == "answer":
        database.after = "INTO media_blobs"
    await files.fulfil(BOB, reserved.media_id, Label("text/plain"), body(moment))
    print("answered", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
