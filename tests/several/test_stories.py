"""What is done at one server is known at the other."""

import asyncio

from tests.stories.cast import Person


async def test_a_message_reaches_whoever_waits_at_the_other_server(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    waiting = asyncio.create_task(bob.hears(timeout=60_000))
    await alice.says(room, "across")
    assert (await waiting).texts(room) == ["across"]
