"""What survives when the server is killed in the middle of a conversation.

tests/judges/test_kill.py does this again and again.
"""

import asyncio

import httpx

from tests.judges.child import Child
from tests.stories.answers import Refused
from tests.stories.cast import Person

KILLS = 2
SENDERS = 4


async def says_until_it_is_heard(person: Person, room: str, number: int) -> str:
    """Say a number, over and over with one transaction id, until somebody acknowledges it."""
    while True:
        try:
            return await person.says(room, f"{person.localpart} {number}", txn=str(number))
        except (httpx.TransportError, Refused):
            await asyncio.sleep(0.05)


async def talks(person: Person, room: str, acknowledged: list[str]) -> None:
    while True:
        acknowledged.append(await says_until_it_is_heard(person, room, len(acknowledged)))


async def test_every_acknowledged_message_is_there_once_after_kill_9(child: Child) -> None:
    listener = await child.register("listener")
    people = [await child.register("sender") for _ in range(SENDERS)]
    room = await listener.opens(*people)
    since = (await listener.sync()).token
    heard: list[str] = []
    for _ in range(KILLS):
        acknowledged: dict[str, list[str]] = {person.localpart: [] for person in people}
        talking = [
            asyncio.create_task(talks(person, room, acknowledged[person.localpart]))
            for person in people
        ]
        while min(len(ids) for ids in acknowledged.values()) < 5:
            await asyncio.sleep(0.01)
        await child.kill()
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        await child.start()
        for person in people:  # what was on its way is said again, as a client does
            number = len(acknowledged[person.localpart])
            acknowledged[person.localpart].append(
                await says_until_it_is_heard(person, room, number)
            )
        news = await listener.sync(since, filter={"room": {"timeline": {"limit": 1000}}})
        assert not news.limited(room)
        said = [e for e in news.timeline(room) if e["type"] == "m.room.message"]
        for person in people:
            mine = [
                (e["event_id"], e["content"]["body"]) for e in said if e["sender"] == person.user_id
            ]
            expected = [
                (event_id, f"{person.localpart} {number}")
                for number, event_id in enumerate(acknowledged[person.localpart])
            ]
            assert mine == expected
        heard += [event["event_id"] for event in said]
        since = news.token
        people = [await child.register("sender") for _ in range(SENDERS)]
        for person in people:
            await person.joins(room)
        since = (await listener.sync(since)).token
    assert len(set(heard)) == len(heard)


async def test_everything_else_that_was_acknowledged_survives_too(child: Child) -> None:
    alice, bob = await child.register("alice"), await child.register("bob")
    room = await alice.creates(bob, name="Tea")
    message = await alice.says(room, "hello", txn="t1")
    await alice.edits(room, message, "hello!")
    await bob.reacts(room, message)
    await bob.reads(room, message)
    await alice.keeps("org.example.a", {"v": 1})
    await alice.is_called("Alice")
    picture = await alice.uploads(b"not really a picture", "image/png")
    await child.kill()
    await child.start()
    assert await alice.says(room, "hello", txn="t1") == message
    assert (await alice.state(room, "m.room.name"))["name"] == "Tea"
    assert (await alice.kept("org.example.a")) == {"v": 1}
    assert (await bob.state(room, "m.room.member", alice.user_id))["displayname"] == "Alice"
    assert (await bob.downloads(picture)).content == b"not really a picture"
    news = await bob.sync()
    assert (message, "m.read", bob.user_id, None) in news.receipts(room)
    relations = (await bob.event(room, message))["unsigned"]["m.relations"]
    assert relations["m.replace"]["content"]["m.new_content"]["body"] == "hello!"
    assert await bob.timeline(room) == ["hello", "* hello!"]


async def test_what_was_redacted_stays_so(child: Child) -> None:
    alice = await child.register("alice")
    room = await alice.creates()
    message = await alice.says(room, "secret")
    await alice.redacts(room, message)
    await child.kill()
    await child.start()
    assert (await alice.event(room, message))["content"] == {}
