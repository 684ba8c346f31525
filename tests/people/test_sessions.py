"""Sessions: what is stored, what is remembered, and for how long."""

import asyncio

import pytest

from qingxin.clock import HandClock
from qingxin.errors import UnknownToken
from qingxin.people.sessions import RECHECK, Sessions
from qingxin.people.sightings import Sightings
from qingxin.store.database import Database, Write, sql
from tests.people.parts import MINUTES, People


async def test_tokens_are_not_stored_as_they_are(people: People) -> None:
    alice = await people.join("alice")
    tokens, _ = await people.sessions.open(alice, None, None, refreshable=True)
    rows = await people.database.all("SELECT * FROM tokens")
    assert len(rows) == 1
    for secret in (tokens.access_token, tokens.refresh_token):
        assert secret not in rows[0]


async def test_a_recognised_session_is_remembered(people: People) -> None:
    alice = await people.join("alice")
    tokens, device_id = await people.sessions.open(alice, "PHONE", None)
    session = await people.sessions.recognise(tokens.access_token)
    assert (session.user_id, session.device_id, session.moderator) == (alice, device_id, False)
    await people.database.write(sql("DELETE FROM tokens"))
    assert await people.sessions.recognise(tokens.access_token) == session
    people.clock.move(RECHECK)
    with pytest.raises(UnknownToken):
        await people.sessions.recognise(tokens.access_token)


async def test_another_process_can_make_us_forget(people: People) -> None:
    alice = await people.join("alice")
    heard: list[str] = []
    elsewhere = Sessions(
        people.database,
        people.line,
        people.clock,
        Sightings(people.database, people.clock),
        access_token_minutes=MINUTES,
        announce=heard.append,
    )
    tokens, device_id = await people.sessions.open(alice, None, None)
    await people.sessions.recognise(tokens.access_token)
    await elsewhere.end(alice, [device_id])
    assert heard == [alice]
    people.sessions.forget(alice)
    with pytest.raises(UnknownToken):
        await people.sessions.recognise(tokens.access_token)


async def test_what_was_read_before_a_logout_is_not_remembered_after_it(people: People) -> None:
    alice = await people.join("alice")
    tokens, device_id = await people.sessions.open(alice, None, None)
    slow = SlowDatabase(people.database)
    sessions = Sessions(
        slow, people.line, people.clock, people.sightings, access_token_minutes=MINUTES
    )
    reading = asyncio.create_task(sessions.recognise(tokens.access_token))
    await slow.has_read.wait()
    await sessions.end(alice, [device_id])
    slow.may_go_on.set()
    assert (await reading).user_id == alice  # it came before the logout
    with pytest.raises(UnknownToken):
        await sessions.recognise(tokens.access_token)


class SlowDatabase:
    """Hands on what it has read only when it may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.has_read, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def one(self, text: str, **params: object) -> object:
        row = await self._database.one(text, **params)
        self.has_read.set()
        await self.may_go_on.wait()
        return row

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)


async def test_what_belongs_to_a_device_ends_in_the_same_commit(people: People) -> None:
    await people.database.write(sql("CREATE TABLE keys_of_devices (device_id TEXT, at BIGINT)"))

    def also(change: object, position: int) -> list[Write]:
        return [sql("INSERT INTO keys_of_devices VALUES ('gone', :position)", position=position)]

    sessions = Sessions(
        people.database,
        people.line,
        people.clock,
        people.sightings,
        access_token_minutes=MINUTES,
        also=also,
    )
    alice = await people.join("alice")
    _, device_id = await sessions.open(alice, None, None)
    await sessions.end(alice, [device_id])
    rows = await people.database.all("SELECT device_id, at FROM keys_of_devices")
    assert rows == [("gone", people.line.number)]


async def test_sightings_are_written_together_and_not_too_often(
    people: People, clock: HandClock
) -> None:
    alice, bob = await people.join("alice"), await people.join("bob")
    people.sightings.see(alice, "PHONE", "192.0.2.1", "Client/1")
    people.sightings.see(bob, "PHONE", "192.0.2.2", "")
    await people.sightings.write()
    stored = "SELECT user_id, address, agent, seen FROM sightings ORDER BY user_id"
    first = [
        (alice, "192.0.2.1", "Client/1", clock.now()),
        (bob, "192.0.2.2", "", clock.now()),
    ]
    assert await people.database.all(stored) == first
    clock.move(60_000)
    people.sightings.see(alice, "PHONE", "192.0.2.9", "Client/1")
    await people.sightings.write()
    assert await people.database.all(stored) == first
    assert (await people.sightings.of(alice))["PHONE"].address == "192.0.2.9"
    clock.move(180_000)
    await people.sightings.write()
    assert (await people.database.all(stored))[0][1] == "192.0.2.9"


async def test_a_deleted_device_leaves_no_sighting(people: People) -> None:
    alice = await people.join("alice")
    _, device_id = await people.sessions.open(alice, None, None)
    people.sightings.see(alice, device_id, "192.0.2.1", "")
    await people.sightings.write()
    people.sightings.see(alice, device_id, "192.0.2.2", "")
    await people.sessions.end(alice, [device_id])
    await people.sightings.write(every=0)
    assert await people.database.all("SELECT * FROM sightings") == []
