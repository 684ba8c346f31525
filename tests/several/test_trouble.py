"""What goes away, and what goes on: NATS, one of the servers, the order of things."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import httpx
import pytest
import pytest_asyncio

from qingxin.app import App
from qingxin.log.event import MEMBER
from tests.judges.child import Child
from tests.nats import NatsServer
from tests.postgres import PostgresServer
from tests.several.pair import Pair, until
from tests.stories.answers import Refused
from tests.stories.cast import Person
from tests.stories.server import Server

LONG = 60_000  # ms
WIDE = {"room": {"timeline": {"limit": 1000}}}


@pytest_asyncio.fixture(loop_scope="session")
async def own_pair(
    tmp_path: Path, postgres_server: PostgresServer, postgres_template: str
) -> AsyncIterator[Pair]:
    """A pair whose NATS a test may stop."""
    url = await postgres_server.new_database(postgres_template)
    async with Pair.open(url, tmp_path) as pair:
        yield pair


async def hear_all(person: Person, room: str, count: int) -> list[str]:
    """What somebody hears, until that is `count` messages."""
    heard: list[str] = []
    while len(heard) < count:
        heard += (await person.hears(WIDE, timeout=LONG)).texts(room)
    return heard


async def test_without_nats_everything_still_arrives_once(own_pair: Pair) -> None:
    alice = await own_pair.left.register("alice")
    bob = await own_pair.right.register("bob")
    room = await alice.creates(bob)
    for person in (alice, bob):
        await person.hears()

    async def talk(person: Person) -> None:
        for n in range(30):
            await person.says(room, f"{person.localpart} {n}")
            if person is alice and n == 10:
                own_pair.nats.stop()
            if person is alice and n == 20:
                await own_pair.nats.start()

    heard, overheard, *_ = await asyncio.gather(
        hear_all(alice, room, 60), hear_all(bob, room, 60), talk(alice), talk(bob)
    )
    assert heard == overheard == await alice.timeline(room)
    assert len(set(heard)) == 60
    await own_pair.hears()
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await alice.says(room, "NATS is back")
    assert (await waiting).texts(room) == ["NATS is back"]


async def test_a_server_starts_without_nats_and_says_so(
    postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nats = NatsServer()
    server = await Server(tmp_path, database=postgres_url, nats=nats.url).start()
    alice = await server.register("alice")
    await alice.says(await alice.creates())
    await until(lambda: "cannot be reached" in caplog.text)
    assert [r.levelno for r in caplog.records if nats.url in r.message] == [logging.WARNING]
    await nats.start()
    await until(lambda: server.app.wire.connected)
    await server.stop()
    nats.stop()


async def test_state_is_the_same_everywhere_whoever_sets_it_where(pair: Pair) -> None:
    random = Random(11)
    people = [await pair.left.register(name) for name in ("alice", "bob", "carol")]
    room = await people[0].opens(*people[1:], power_level_content_override={"state_default": 0})

    async def meddle(person: Person, number: int) -> None:
        person = random.choice((pair.at_left, pair.at_right))(person)
        other = random.choice(people)
        acts = [
            lambda: person.sets(room, "m.room.topic", {"topic": f"{number}"}),
            lambda: person.sets(room, "org.example.x", {"n": number}, random.choice("abc")),
            lambda: person.sets(
                room, "m.room.history_visibility", {"history_visibility": "joined"}
            ),
            lambda: person.says(room, f"{number}"),
            lambda: person.leaves(room),
            lambda: person.joins(room),
            lambda: person.joins(room),
            lambda: person.kicks(room, other),
            lambda: person.bans(room, other),
            lambda: person.unbans(room, other),
        ]
        try:
            await random.choice(acts)()
        except Refused as refusal:
            assert refusal.answer.status == 403

    for number in range(40):
        await asyncio.gather(*(meddle(random.choice(people), number) for _ in range(5)))
    await pair.agrees()
    await positions_are_dense(pair.left.app)
    users = [person.user_id for person in people]
    left, right = [await seen(app, room, users) for app in (pair.left.app, pair.right.app)]
    pair.left.app.states.forget(room)
    assert left == right == await seen(pair.left.app, room, users)


async def seen(app: App, room: str, users: list[str]) -> dict[object, object]:
    """A room's state as an application has it in memory."""
    state = await app.states.of(room, users)
    members = {user_id: state.members[user_id] for user_id in users}
    return {
        "state": {key: event.event_id for key, event in state.events.items()},
        "members": {key: event and event.event_id for key, event in members.items()},
        "counts": {key: count for key, count in state.counts.items() if count},
        "visibility": state.visibility,
        "stored": {
            (event.type, event.state_key): event.event_id
            for event in await app.history.state_now(room)
            if event.type != MEMBER
        },
    }


async def positions_are_dense(app: App) -> None:
    """Every number is an event or a note."""
    rows = await app.database.all("SELECT position FROM events")
    noted = await app.database.all("SELECT number FROM line_notes")
    numbers = sorted(number for (number,) in [*rows, *noted])
    assert numbers == list(range(1, app.line.number + 1))


class Speaker:
    """Repeats each message with its transaction id, at any server that answers."""

    def __init__(self, servers: list[Child], person: Person, room: str) -> None:
        self.people = [Person(server.http, person.session) for server in servers]
        self.room = room
        self.acknowledged: dict[str, str] = {}

    async def speak(self, count: int) -> None:
        for n in range(count):
            text = f"{self.people[0].localpart} {n}"
            while text not in self.acknowledged:
                try:
                    self.acknowledged[text] = await self.people[0].says(self.room, text, txn=text)
                except httpx.TransportError:
                    self.people.reverse()


async def test_one_server_is_killed_and_the_other_goes_on(
    postgres_url: str, tmp_path: Path
) -> None:
    nats = await NatsServer().start()
    shared = {"database": postgres_url, "nats": nats.url}
    left, right = Child(tmp_path / "left", **shared), Child(tmp_path / "right", **shared)
    try:
        await asyncio.gather(left.start(), right.start())
        people = [await left.register(f"speaker{n}") for n in range(6)]
        listener = await right.register("listener")
        room = await listener.opens(*people)
        await listener.hears()
        speakers = [
            Speaker([left, right][:: 1 - 2 * (n % 2)], p, room) for n, p in enumerate(people)
        ]
        hearing = asyncio.create_task(hear_all(listener, room, 6 * 40))
        talking = [asyncio.create_task(speaker.speak(40)) for speaker in speakers]
        await until(lambda: sum(len(speaker.acknowledged) for speaker in speakers) > 60)
        await left.kill()
        await asyncio.gather(*talking)
        heard = await hearing
    finally:
        left.end()
        right.end()
        nats.stop()
    assert len(heard) == len(set(heard))
    for speaker in speakers:
        name = speaker.people[0].localpart
        assert [text for text in heard if text.startswith(f"{name} ")] == list(speaker.acknowledged)
