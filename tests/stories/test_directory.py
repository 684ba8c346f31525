"""The names of rooms, and the public list.

spec: client-server-api/#room-aliases, #published-room-directory
"""

from typing import Any

from tests.stories.answers import refused
from tests.stories.cast import Person, fresh, part
from tests.stories.server import Server


def new_alias() -> str:
    return f"#{fresh('tea')}:example.org"


async def points(person: Person, alias: str, room: str) -> None:
    await person.put(f"/directory/room/{part(alias)}", {"room_id": room})


async def test_an_alias_leads_to_a_room_until_it_is_taken_away(alice: Person, bob: Person) -> None:
    room, alias = await alice.opens(), new_alias()
    with refused(404, "M_NOT_FOUND"):
        await bob.get(f"/directory/room/{part(alias)}")
    await points(alice, alias, room)
    found = (await bob.get(f"/directory/room/{part(alias)}")).body
    assert found["room_id"] == room
    assert found["servers"] == ["example.org"]
    assert await bob.joins(alias) == room
    await alice.delete(f"/directory/room/{part(alias)}")
    with refused(404, "M_NOT_FOUND"):
        await bob.joins(alias)


async def test_an_alias_leads_to_one_room_only(alice: Person) -> None:
    one, two, alias = await alice.opens(), await alice.opens(), new_alias()
    await points(alice, alias, one)
    with refused(409, "M_UNKNOWN"):
        await points(alice, alias, two)


async def test_members_may_name_a_room_and_take_their_own_name_away(
    alice: Person, bob: Person, carol: Person
) -> None:
    room, alias = await alice.opens(bob, carol), new_alias()
    await points(bob, alias, room)
    with refused(403, "M_FORBIDDEN"):
        await carol.delete(f"/directory/room/{part(alias)}")
    await bob.delete(f"/directory/room/{part(alias)}")
    await points(bob, alias, room)
    await alice.delete(f"/directory/room/{part(alias)}")


async def test_a_room_lists_its_aliases_for_its_members(alice: Person, bob: Person) -> None:
    room, aliases = await alice.opens(), sorted(new_alias() for _ in range(2))
    for alias in aliases:
        await points(alice, alias, room)
    found = (await alice.get(f"/rooms/{part(room)}/aliases"))["aliases"]
    assert sorted(found) == aliases
    with refused(403, "M_FORBIDDEN"):
        await bob.get(f"/rooms/{part(room)}/aliases")


async def test_a_deleted_alias_is_no_longer_the_main_one(alice: Person) -> None:
    room, alias = await alice.opens(), new_alias()
    await points(alice, alias, room)
    await alice.sets(room, "m.room.canonical_alias", {"alias": alias, "alt_aliases": [alias]})
    await alice.delete(f"/directory/room/{part(alias)}")
    assert "alias" not in await alice.state(room, "m.room.canonical_alias")


async def listed(person: Person, **wish: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.post("/publicRooms", wish))["chunk"]
    return found


async def test_a_public_room_is_found_by_its_words(
    server: Server, alice: Person, bob: Person
) -> None:
    word = fresh("oolong")
    room = await alice.opens(name=f"{word} tea", topic="Leaves", visibility="public")
    (found,) = await listed(bob, filter={"generic_search_term": word})
    assert found["room_id"] == room
    assert found["name"] == f"{word} tea"
    assert found["topic"] == "Leaves"
    assert found["num_joined_members"] == 1
    assert found["world_readable"] is False and found["guest_can_join"] is False
    assert found["join_rule"] == "public"
    everywhere = (await server.stranger.get("/publicRooms", limit=1000))["chunk"]
    assert room in [one["room_id"] for one in everywhere]


async def test_other_rooms_are_not_on_the_list(alice: Person, bob: Person) -> None:
    word = fresh("secret")
    await alice.opens(name=word)
    assert await listed(bob, filter={"generic_search_term": word}) == []


async def test_a_room_goes_on_the_list_and_off_it(alice: Person, bob: Person) -> None:
    word = fresh("oolong")
    room = await alice.opens(bob, name=word)
    path = f"/directory/list/room/{part(room)}"
    assert (await bob.get(path))["visibility"] == "private"
    await alice.put(path, {"visibility": "public"})
    assert (await bob.get(path))["visibility"] == "public"
    assert len(await listed(bob, filter={"generic_search_term": word})) == 1
    await alice.put(path, {"visibility": "private"})
    assert await listed(bob, filter={"generic_search_term": word}) == []
    with refused(403, "M_FORBIDDEN"):
        await bob.put(path, {"visibility": "public"})


async def test_the_list_is_read_by_pages(alice: Person, bob: Person) -> None:
    word = fresh("page")
    rooms = {await alice.opens(name=f"{word} {i}", visibility="public") for i in range(5)}
    found: list[str] = []
    since = None
    while True:
        wish = {"limit": 2, "filter": {"generic_search_term": word}}
        page = await bob.post("/publicRooms", {**wish, **({"since": since} if since else {})})
        found += [one["room_id"] for one in page["chunk"]]
        if (since := page.body.get("next_batch")) is None:
            break
    assert sorted(found) == sorted(rooms)


async def test_a_summary_tells_what_a_public_room_is(server: Server, alice: Person) -> None:
    room, alias = await alice.opens(name="Tea"), new_alias()
    await points(alice, alias, room)
    for name in (room, alias):
        path = f"/_matrix/client/v1/room_summary/{part(name)}"
        summary = (await server.stranger.get(path)).body
        assert summary["room_id"] == room
        assert summary["name"] == "Tea"
        assert summary["num_joined_members"] == 1
    mine = (await alice.get(f"/_matrix/client/v1/room_summary/{part(room)}")).body
    assert mine["membership"] == "join"
