"""The cast: alice and bob are members, the stranger is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from qingxin.clock import HandClock
from qingxin.media.files import Files, Limits
from qingxin.media.local import LocalBlobs
from qingxin.media.thumbnails import Thumbnails
from qingxin.media.workshop import Workshop
from qingxin.store.database import Database
from tests.api.media.place import MiB, Person, Place


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def place(database: Database, tmp_path: Path, clock: HandClock) -> AsyncIterator[Place]:
    blobs, workshop = LocalBlobs(tmp_path / "media"), Workshop()
    files = Files(database, blobs, clock, Limits(max_upload=4 * MiB))
    thumbnails = Thumbnails(database, blobs, clock, workshop)
    async with Place(files, thumbnails, tmp_path / "media").running() as running:
        yield running
    await workshop.close()
    await blobs.close()


@pytest.fixture
async def alice(place: Place) -> AsyncIterator[Person]:
    person = Person(place, "alice")
    yield person
    await person.http.aclose()


@pytest.fixture
async def bob(place: Place) -> AsyncIterator[Person]:
    person = Person(place, "bob")
    yield person
    await person.http.aclose()


@pytest.fixture
async def stranger(place: Place) -> AsyncIterator[Person]:
    person = Person(place)
    yield person
    await person.http.aclose()
