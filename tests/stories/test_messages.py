"""Saying things, and what a transaction id is for.

spec: client-server-api/#sending-events-to-a-room
"""

from tests.stories.cast import Person


async def test_what_one_member_says_the_others_hear(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "hello")
    assert await bob.timeline(room) == ["hello"]
    assert (await bob.sync()).texts(room) == ["hello"]
