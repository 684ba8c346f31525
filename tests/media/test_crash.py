"""Killing the server at any moment of an upload: what was answered stays, the rest was never."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin import errors
from qingxin.clock import HandClock
from qingxin.media.files import Files, Limits
from qingxin.media.local import LocalBlobs
from qingxin.media.places import PATIENCE
from qingxin.store.sqlite import SQLite
from tests.media.acts import ALICE, BOB, kept, read
from tests.media.conftest import MiB

# Where the child kills itself: in the middle of the body, before the place is announced,
# before the file moves there, and before and after it is made known.
MOMENTS = ["body", "announce", "put", "known", "answer"]


@pytest.fixture
async def database(sqlite: SQLite) -> AsyncIterator[SQLite]:
    yield sqlite


async def die_at(moment: str, database: SQLite, directory: Path) -> str:
    """Run a server that keeps one file, takes in another and dies; what it has said."""
    await database.close()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.media.mortal", moment, str(database.path), str(directory)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await child.communicate()
    assert child.returncode == -9, "it was to be killed"
    await database.open()
    return said.decode()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_upload_leaves_no_half_file_and_loses_no_whole_one(
    moment: str, database: SQLite, directory: Path, clock: HandClock
) -> None:
    kept_id, promised_id, *answered = (await die_at(moment, database, directory)).split()
    blobs = LocalBlobs(directory)
    files = Files(database, blobs, clock, Limits(max_upload=8 * MiB))
    await files.sweep()
    if moment == "answer":
        assert await read(files, promised_id) == bytes(2 * MiB)
    else:
        with pytest.raises(errors.NotYetUploaded):
            await files.find(promised_id)
    clock.move(PATIENCE)
    await files.sweep()
    assert await read(files, kept_id) == b"kept"
    assert len(kept(directory)) == (2 if moment == "answer" else 1)
    assert (await files.usage(BOB)).bytes == (2 * MiB if moment == "answer" else 0)
    assert answered == []
    assert (await files.usage(ALICE)).bytes == 4
    await blobs.close()


async def test_a_killed_deletion_is_finished_at_the_next_start(
    database: SQLite, directory: Path, clock: HandClock
) -> None:
    kept_id, gone_id = (await die_at("delete", database, directory)).split()
    blobs = LocalBlobs(directory)
    files = Files(database, blobs, clock, Limits(max_upload=8 * MiB))
    assert len(kept(directory)) == 2
    await files.sweep()
    assert await read(files, kept_id) == b"kept"
    with pytest.raises(errors.NotFound):
        await files.find(gone_id)
    assert len(kept(directory)) == 1
    await blobs.close()
