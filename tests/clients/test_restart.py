"""The server is killed in the middle of a conversation; the clients go on from where they were."""

import asyncio

from tests.clients.person import Person, fresh
from tests.judges.child import Child

BEFORE, MEANWHILE, AFTER = 20, 40, 5


async def test_clients_go_on_and_lose_nothing_and_see_nothing_twice(
    mortal: Child, make: type[Person], other_make: type[Person], complaints: list[str]
) -> None:
    alice = await make.registers(mortal.url, fresh("alice"))
    bob = await other_make.registers(mortal.url, fresh("bob"))
    room = await alice.opens("Tea", bob)
    await bob.joins(room)
    photo = await alice.uploads(b"\x89PNG photo" * 1000, "image/png", "photo.png")

    async def talks() -> None:
        for number in range(MEANWHILE):
            await alice.says(room, f"meanwhile {number}")

    for number in range(BEFORE):
        await bob.says(room, f"before {number}")
    talking = asyncio.create_task(talks())
    await bob.hears_of("m.room.message", room, body="meanwhile 3")
    await mortal.kill()
    await asyncio.sleep(0.2)  # the libraries notice that nobody answers
    await mortal.start()
    await talking
    for number in range(AFTER):
        await bob.says(room, f"after {number}")

    expected = [f"before {number}" for number in range(BEFORE)]
    expected += [f"meanwhile {number}" for number in range(MEANWHILE)]
    expected += [f"after {number}" for number in range(AFTER)]
    for person in (alice, bob):
        await person.hears_of("m.room.message", room, body=f"after {AFTER - 1}")
        assert person.texts(room) == expected
        said = [event["event_id"] for event in person.heard if "event_id" in event]
        assert len(set(said)) == len(said)
    assert await bob.downloads(photo) == b"\x89PNG photo" * 1000
    await alice.ends()
    await bob.ends()


async def test_who_was_away_meanwhile_hears_what_was_said(
    mortal: Child, make: type[Person], other_make: type[Person], complaints: list[str]
) -> None:
    alice = await make.registers(mortal.url, fresh("alice"))
    bob = await other_make.registers(mortal.url, fresh("bob"))
    room = await alice.opens("Tea", bob)
    await bob.joins(room)
    await bob.hears_event(await alice.says(room, "before"))
    await bob.stops()
    await alice.says(room, "while bob is away")
    await alice.stops()
    await mortal.kill()
    await mortal.start()
    bob.listens()
    await bob.hears_of("m.room.message", room, body="while bob is away")
    alice.listens()
    await bob.says(room, "back")
    await alice.hears_of("m.room.message", room, body="back")
    assert bob.texts(room) == alice.texts(room)[: len(bob.texts(room))]
    await bob.hears_of("m.room.message", room, body="back")
    assert bob.texts(room) == alice.texts(room) == ["before", "while bob is away", "back"]
    await alice.ends()
    await bob.ends()
