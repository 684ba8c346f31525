"""A place for files on a fresh database of every kind."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin.clock import HandClock
from qingxin.media.files import Files, Limits
from qingxin.media.local import LocalBlobs
from qingxin.media.thumbnails import Thumbnails
from qingxin.media.workshop import Workshop
from qingxin.store.database import Database

MiB = 1024 * 1024


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture
async def blobs(directory: Path) -> AsyncIterator[LocalBlobs]:
    blobs = LocalBlobs(directory)
    yield blobs
    await blobs.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def files(database: Database, blobs: LocalBlobs, clock: HandClock) -> Files:
    return Files(database, blobs, clock, Limits(max_upload=8 * MiB))


@pytest.fixture
async def workshop() -> AsyncIterator[Workshop]:
    workshop = Workshop()
    yield workshop
    await workshop.close()


@pytest.fixture
def thumbnails(
    database: Database, blobs: LocalBlobs, clock: HandClock, workshop: Workshop
) -> Thumbnails:
    return Thumbnails(database, blobs, clock, workshop)
