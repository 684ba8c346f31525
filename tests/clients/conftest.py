"""Two people with clients of different make, on a server that runs as its operator runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.clients.person import Person, fresh
from tests.clients.with_mautrix import MautrixPerson
from tests.clients.with_nio import NioPerson
from tests.judges.child import Child
from tests.postgres import PostgresServer

MAKES: dict[str, type[Person]] = {"nio": NioPerson, "mautrix": MautrixPerson}
EXPECTED = ("Sync request errored", "Timed out, sleeping", "retrying in")


def _running(child: Child) -> Iterator[Child]:
    asyncio.run(child.start())
    yield child
    child.end()


@pytest.fixture(scope="session")
def sqlite_child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    yield from _running(Child(tmp_path_factory.mktemp("sqlite") / "data"))


@pytest.fixture(scope="session")
def postgres_child(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Child]:
    database = asyncio.run(postgres_server.new_database())
    yield from _running(Child(tmp_path_factory.mktemp("postgres") / "data", database=database))


@pytest.fixture(params=("sqlite", "postgres"))
def url(request: pytest.FixtureRequest) -> str:
    """A running server, shared with other tests."""
    child: Child = request.getfixturevalue(f"{request.param}_child")
    return child.url


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Child]:
    """A server of one's own, to be killed."""
    child = Child(tmp_path / "data")
    await child.start()
    yield child
    child.end()


@pytest.fixture(params=("nio", "mautrix"))
def make(request: pytest.FixtureRequest) -> type[Person]:
    """The make of alice's client; bob's is the other."""
    return MAKES[request.param]


@pytest.fixture
def other_make(make: type[Person]) -> type[Person]:
    return next(other for other in MAKES.values() if other is not make)


@pytest.fixture
async def alice(url: str, make: type[Person], complaints: list[str]) -> AsyncIterator[Person]:
    person = await make.registers(url, fresh("alice"))
    yield person
    await person.ends()


@pytest.fixture
async def bob(url: str, other_make: type[Person], complaints: list[str]) -> AsyncIterator[Person]:
    person = await other_make.registers(url, fresh("bob"))
    yield person
    await person.ends()


class Complaints(logging.Handler):
    """What the libraries warn of: answers that they cannot read are faults of the server."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if not any(words in text for words in EXPECTED):
            self.found.append(f"{record.name}: {text}")


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Asserts afterwards that there were none, unless the test itself takes them out."""
    listening = Complaints()
    names = ("mau", "nio")
    for name in names:
        logging.getLogger(name).addHandler(listening)
    yield listening.found
    for name in names:
        logging.getLogger(name).removeHandler(listening)
    assert listening.found == []


@pytest.fixture
async def room(alice: Person, bob: Person) -> str:
    """A room that both have joined and listen to."""
    room = await alice.opens("Tea", bob)
    await bob.hears_of("m.room.member", room, membership="invite")
    await bob.joins(room)
    await alice.hears(
        lambda event: (
            event.get("state_key") == bob.user_id
            and event.get("room_id") == room
            and event["content"]["membership"] == "join"
        )
    )
    return room
