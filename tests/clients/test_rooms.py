"""Rooms and their members, as clients of two makes see them."""

from tests.clients.person import Face, Person


async def test_an_invitation_tells_the_rooms_name(alice: Person, bob: Person) -> None:
    room = await alice.opens("Tea")
    await alice.invites(room, bob)
    heard = await bob.hears_of("m.room.member", room, membership="invite")
    assert (heard["sender"], heard["state_key"]) == (alice.user_id, bob.user_id)
    await bob.joins(room)
    assert await bob.rooms() == [room]


async def test_state_and_members(alice: Person, bob: Person, room: str) -> None:
    assert set(await bob.members(room)) == {alice.user_id, bob.user_id}
    assert await bob.state_of(room, "m.room.name") == {"name": "Tea"}
    kinds = {event["type"] for event in await bob.state(room)}
    assert kinds >= {"m.room.create", "m.room.power_levels", "m.room.join_rules", "m.room.member"}


async def test_a_name_and_a_face_are_shown_in_the_room(
    alice: Person, bob: Person, room: str
) -> None:
    face = await bob.uploads(b"a face", "image/png", "face.png")
    await bob.is_called("Bob 鲍勃")
    await bob.has_face(face)
    await alice.hears_of("m.room.member", room, displayname="Bob 鲍勃", avatar_url=face)
    assert (await alice.members(room))[bob.user_id] == Face("Bob 鲍勃", face)
    assert await alice.profile_of(bob) == Face("Bob 鲍勃", face)


async def test_presence(alice: Person, bob: Person, room: str) -> None:
    await bob.is_there("making tea")
    heard = await alice.hears(
        lambda event: (
            event["type"] == "m.presence"
            and event["sender"] == bob.user_id
            and event["content"].get("status_msg") == "making tea"
        )
    )
    assert heard["content"]["presence"] == "online"
    assert await alice.status_of(bob) == "making tea"


async def test_leaving_and_forgetting(alice: Person, bob: Person, room: str) -> None:
    await bob.leaves(room)
    await alice.hears_of("m.room.member", room, membership="leave")
    await bob.forgets(room)
    assert await bob.rooms() == []
    assert set(await alice.members(room)) == {alice.user_id}
