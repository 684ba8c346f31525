"""What people do with files, in a line each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from qingxin.media.files import Files, Label

ALICE, BOB = "@alice:example.org", "@bob:example.org"


async def pieces(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def send(files: Files, data: bytes, owner: str = ALICE, kind: str = "text/plain") -> str:
    return await files.upload(owner, Label(kind), pieces(data))


async def read(files: Files, media_id: str) -> bytes:
    media = await files.find(media_id)
    opened = await files.open(media)
    return b"".join([chunk async for chunk in opened.read(0, media.size)])


def kept(directory: Path) -> list[Path]:
    """Every file in the directory of media, half-written ones too."""
    return [path for path in directory.rglob("*") if path.is_file()]


async def until(true: Callable[[], bool]) -> None:
    """Wait for what no event announces, such as a file."""
    while not true():
        await asyncio.sleep(0.001)
