"""The cast: alice and bob have accounts and are signed in."""

import pytest

from tests.api.door import Door, Person
from tests.people.conftest import clock, people  # noqa: F401
from tests.people.parts import People


@pytest.fixture
async def door(people: People) -> Door:  # noqa: F811
    return Door(people)


@pytest.fixture
async def alice(door: Door) -> Person:
    return await door.register("alice")


@pytest.fixture
async def bob(door: Door) -> Person:
    return await door.register("bob")
