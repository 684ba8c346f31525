"""Aliases and the public list."""

import asyncio
from urllib.parse import quote

from tests.rooms.house import Guest, House, ok, refused

ROOM = "/directory/room/"
LIST = "/directory/list/room/"


def path(alias: str) -> str:
    return ROOM + quote(alias, safe="")


async def test_an_alias_leads_to_its_room_even_for_strangers(house: House, alice: Guest) -> None:
    room = await alice.room()
    ok(await alice.put(path("#tea:example.org"), {"room_id": room}))
    answer = ok(await house.stranger.get(path("#tea:example.org")))
    assert answer.body == {"room_id": room, "servers": ["example.org"]}


async def test_an_alias_is_given_once(alice: Guest, bob: Guest) -> None:
    room, other = await alice.room(), await bob.room()
    ok(await alice.put(path("#tea:example.org"), {"room_id": room}))
    refused(await bob.put(path("#tea:example.org"), {"room_id": other}), 409, "M_UNKNOWN")
    refused(await bob.post("/createRoom", {"room_alias_name": "tea"}), 400, "M_ROOM_IN_USE")


async def test_aliases_of_other_servers_and_ill_formed_ones_are_refused(alice: Guest) -> None:
    room = await alice.room()
    for alias in ("#tea:elsewhere.org", "#tea", "tea:example.org", "#:example.org"):
        refused(await alice.put(path(alias), {"room_id": room}), 400, "M_INVALID_PARAM")
    refused(await alice.get(path("#tea")), 400, "M_INVALID_PARAM")
    refused(await alice.get(path("#nothing:example.org")), 404, "M_NOT_FOUND")
    refused(
        await alice.put(path("#tea:example.org"), {"room_id": "!no:example.org"}),
        400,
        "M_INVALID_PARAM",
    )
    refused(await alice.put(path("#tea:example.org"), {}), 400, "M_BAD_JSON")


async def test_only_members_name_a_room_and_list_its_aliases(alice: Guest, bob: Guest) -> None:
    room = await alice.room(preset="public_chat", room_alias_name="tea")
    refused(await bob.put(path("#coffee:example.org"), {"room_id": room}), 403, "M_FORBIDDEN")
    refused(await bob.get(f"/rooms/{room}/aliases"), 403, "M_FORBIDDEN")
    await bob.join("%23tea:example.org")
    ok(await bob.put(path("#coffee:example.org"), {"room_id": room}))
    aliases = ok(await bob.get(f"/rooms/{room}/aliases"))["aliases"]
    assert aliases == ["#coffee:example.org", "#tea:example.org"]


async def test_anybody_lists_the_aliases_of_a_world_readable_room(alice: Guest, bob: Guest) -> None:
    room = await alice.room(room_alias_name="tea")
    ok(await alice.set(room, "m.room.history_visibility", {"history_visibility": "world_readable"}))
    assert ok(await bob.get(f"/rooms/{room}/aliases"))["aliases"] == ["#tea:example.org"]


async def test_its_maker_or_a_moderator_removes_an_alias(
    alice: Guest, bob: Guest, carol: Guest
) -> None:
    room = await alice.room(preset="public_chat", room_alias_name="tea")
    await bob.join(room)
    await carol.join(room)
    for name in ("one", "two"):
        ok(await bob.put(path(f"#{name}:example.org"), {"room_id": room}))
    refused(await carol.delete(path("#one:example.org")), 403, "M_FORBIDDEN")
    ok(await bob.delete(path("#one:example.org")))
    ok(await alice.delete(path("#two:example.org")))
    refused(await alice.delete(path("#two:example.org")), 404, "M_NOT_FOUND")
    ok(await alice.delete(path("#tea:example.org")))
    assert await alice.state(room, "m.room.canonical_alias") == {}


async def test_a_room_is_listed_and_taken_off_the_list(
    house: House, alice: Guest, bob: Guest
) -> None:
    room = await alice.room(name="Tea", preset="public_chat")
    assert ok(await house.stranger.get(LIST + room))["visibility"] == "private"
    await bob.join(room)
    refused(await bob.put(LIST + room, {"visibility": "public"}), 403, "M_FORBIDDEN")
    ok(await alice.put(LIST + room, {}))
    assert ok(await bob.get(LIST + room))["visibility"] == "public"
    assert [each["room_id"] for each in ok(await bob.get("/publicRooms"))["chunk"]] == [room]
    ok(await alice.put(LIST + room, {"visibility": "private"}))
    assert ok(await bob.get("/publicRooms"))["chunk"] == []
    refused(await alice.put(LIST + room, {"visibility": "hidden"}), 400, "M_BAD_JSON")
    refused(await alice.get(LIST + "!no:example.org"), 404, "M_NOT_FOUND")
    refused(await alice.put(LIST + "!no:example.org", {}), 404, "M_NOT_FOUND")


async def test_the_list_shows_what_a_room_says_of_itself(alice: Guest, bob: Guest) -> None:
    room = await alice.room(
        visibility="public", name="Tea", topic="Leaves", room_alias_name="tea",
        creation_content={"type": "m.space"},
    )  # fmt: skip
    ok(await alice.set(room, "m.room.avatar", {"url": "mxc://example.org/leaf"}))
    await bob.join(room)
    answer = ok(await bob.post("/publicRooms"))
    assert answer["total_room_count_estimate"] == 1
    assert answer["chunk"] == [
        {
            "room_id": room,
            "name": "Tea",
            "topic": "Leaves",
            "avatar_url": "mxc://example.org/leaf",
            "canonical_alias": "#tea:example.org",
            "num_joined_members": 2,
            "world_readable": False,
            "guest_can_join": False,
            "join_rule": "public",
            "room_type": "m.space",
            "room_version": "11",
        }
    ]


async def test_pages_lead_there_and_back(alice: Guest) -> None:
    for number in range(5):
        await alice.room(visibility="public", name=f"Room {number}")
    whole = ok(await alice.get("/publicRooms"))
    assert whole["total_room_count_estimate"] == 5
    assert not {"next_batch", "prev_batch"} & set(whole.body)
    seen, since = [], {}
    while True:
        page = ok(await alice.get("/publicRooms", limit=2, **since))
        seen += page["chunk"]
        if "next_batch" not in page.body:
            break
        since = {"since": page["next_batch"]}
    assert seen == whole["chunk"]
    back = ok(await alice.get("/publicRooms", limit=2, since=page["prev_batch"]))
    assert back["chunk"] == whole["chunk"][2:4]
    first = ok(await alice.post("/publicRooms", {"limit": 2, "since": back["prev_batch"]}))
    assert first["chunk"] == whole["chunk"][:2]
    assert "prev_batch" not in first.body
    again = ok(await alice.get("/publicRooms", limit=2, since=first["next_batch"]))
    assert again["chunk"] == back["chunk"]


async def test_the_list_is_searched_by_words_and_types(alice: Guest) -> None:
    tea = await alice.room(visibility="public", name="GREEN Tea_100%", topic="Leaves")
    space = await alice.room(
        visibility="public", room_alias_name="green", creation_content={"type": "m.space"}
    )

    async def found(**filter: object) -> set[str]:
        answer = ok(await alice.post("/publicRooms", {"filter": filter}))
        assert answer["total_room_count_estimate"] == len(answer["chunk"])
        return {each["room_id"] for each in answer["chunk"]}

    assert await found(generic_search_term="green") == {tea, space}
    assert await found(generic_search_term="Tea_100%") == {tea}
    assert await found(generic_search_term="T%a") == set()
    assert await found(generic_search_term="leaves") == {tea}
    assert await found(generic_search_term="绿茶") == set()
    assert await found(room_types=[None]) == {tea}
    assert await found(room_types=["m.space"]) == {space}
    assert await found(room_types=[None, "m.space"], generic_search_term=None) == {tea, space}
    assert await found(room_types=[]) == set()


async def test_what_makes_no_sense_on_the_list_is_refused(alice: Guest) -> None:
    for query in ({"since": "strange"}, {"since": "n"}, {"limit": "-1"}, {"limit": "many"}):
        refused(await alice.get("/publicRooms", **query), 400, "M_INVALID_PARAM")
    refused(await alice.post("/publicRooms", {"limit": -1}), 400, "M_BAD_JSON")
    refused(await alice.post("/publicRooms", {"filter": []}), 400, "M_BAD_JSON")
    long = {"filter": {"generic_search_term": "x" * 100_000}}
    refused(await alice.post("/publicRooms", long), 400, "M_INVALID_PARAM")
    refused(await alice.get("/publicRooms", server="elsewhere.org"), 404, "M_NOT_FOUND")
    ok(await alice.get("/publicRooms", server="example.org", limit=0))


async def test_the_list_follows_what_happens_in_its_rooms(
    house: House, alice: Guest, bob: Guest
) -> None:
    small = await alice.room(visibility="public", name="Small")
    large = await alice.room(visibility="public", name="Large")
    await bob.join(large)
    await followed(house)
    assert await listed(alice) == [large, small]
    ok(await bob.post(f"/rooms/{large}/leave"))
    await bob.join(small)
    ok(await alice.set(large, "m.room.name", {"name": "Formerly large"}))
    await followed(house)
    assert await listed(alice) == [small, large]
    found = ok(await alice.post("/publicRooms", {"filter": {"generic_search_term": "formerly"}}))
    assert [each["room_id"] for each in found["chunk"]] == [large]


async def listed(guest: Guest) -> list[str]:
    return [each["room_id"] for each in ok(await guest.get("/publicRooms"))["chunk"]]


async def followed(house: House) -> None:
    """Wait until the list has taken in everything said so far."""
    place = "SELECT position FROM cursors WHERE follower = 'listing'"
    number = house.app.feed.number
    while (row := await house.app.database.one(place)) is None or row[0] < number:
        await asyncio.sleep(0.01)
