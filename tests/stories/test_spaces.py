"""Rooms that hold rooms (spec: client-server-api/#spaces)."""

from tests.stories.answers import refused
from tests.stories.cast import Person, part

CHILD = {"via": ["example.org"]}


async def space(person: Person, *joining: Person, **body: object) -> str:
    return await person.opens(*joining, creation_content={"type": "m.space"}, **body)


async def hierarchy(person: Person, room: str, **query: object) -> list[str]:
    path = f"/_matrix/client/v1/rooms/{part(room)}/hierarchy"
    return [one["room_id"] for one in (await person.get(path, **query))["rooms"]]


async def test_the_rooms_of_a_space_are_found_through_it(alice: Person, bob: Person) -> None:
    town = await space(alice, bob, name="Town")
    tea, coffee = await alice.opens(name="Tea"), await alice.opens(name="Coffee")
    for room in (tea, coffee):
        await alice.sets(town, "m.space.child", CHILD, room)
    assert set(await hierarchy(bob, town)) == {town, tea, coffee}
    assert await bob.joins(tea) == tea


async def test_a_room_taken_out_of_a_space_is_no_longer_found(alice: Person) -> None:
    town = await space(alice)
    room = await alice.opens()
    await alice.sets(town, "m.space.child", CHILD, room)
    await alice.sets(town, "m.space.child", {}, room)
    assert await hierarchy(alice, town) == [town]


async def test_private_rooms_are_seen_by_those_who_may_enter(
    alice: Person, bob: Person, carol: Person
) -> None:
    town = await space(alice, bob, carol)
    secret = await alice.creates(bob)
    await alice.sets(town, "m.space.child", CHILD, secret)
    assert secret in await hierarchy(bob, town)
    assert secret not in await hierarchy(carol, town)


async def test_members_of_a_space_join_its_rooms(alice: Person, bob: Person, carol: Person) -> None:
    town = await space(alice, bob)
    allow = [{"type": "m.room_membership", "room_id": town}]
    rules = {"join_rule": "restricted", "allow": allow}
    room = await alice.creates(initial_state=[{"type": "m.room.join_rules", "content": rules}])
    await alice.sets(town, "m.space.child", CHILD, room)
    assert room in await hierarchy(bob, town)
    await bob.joins(room)
    with refused(403, "M_FORBIDDEN"):
        await carol.joins(room)


async def test_suggested_rooms_come_alone_if_so_wished(alice: Person) -> None:
    town = await space(alice)
    tea, coffee = await alice.opens(), await alice.opens()
    await alice.sets(town, "m.space.child", {**CHILD, "suggested": True}, tea)
    await alice.sets(town, "m.space.child", CHILD, coffee)
    assert set(await hierarchy(alice, town, suggested_only=True)) == {town, tea}


async def test_spaces_in_spaces_are_followed_as_deep_as_wished(alice: Person) -> None:
    country, town = await space(alice), await space(alice)
    room = await alice.opens()
    await alice.sets(country, "m.space.child", CHILD, town)
    await alice.sets(town, "m.space.child", CHILD, room)
    assert await hierarchy(alice, country) == [country, town, room]
    assert await hierarchy(alice, country, max_depth=1) == [country, town]


async def test_outsiders_see_no_private_space(alice: Person, bob: Person) -> None:
    town = await alice.creates(creation_content={"type": "m.space"})
    with refused(403, "M_FORBIDDEN"):
        await hierarchy(bob, town)
