"""Making rooms, and what the presets mean.

spec: client-server-api/#creation
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, fresh, part
from tests.stories.news import find


async def test_a_room_begins_with_its_creation_the_creator_and_the_rules(alice: Person) -> None:
    room = await alice.creates(name="Tea", topic="Green or black?")
    page = await alice.messages(room, "f", limit=100)
    types = [event["type"] for event in page["chunk"]]
    assert types[:3] == ["m.room.create", "m.room.member", "m.room.power_levels"]
    assert (
        types.index("m.room.join_rules") < types.index("m.room.name") < types.index("m.room.topic")
    )


async def test_name_and_topic_are_state(alice: Person) -> None:
    room = await alice.creates(name="Tea", topic="Green or black?")
    assert await alice.state(room, "m.room.name") == {"name": "Tea"}
    assert (await alice.state(room, "m.room.topic"))["topic"] == "Green or black?"
    text = (await alice.state(room, "m.room.topic"))["m.topic"]["m.text"]
    assert text[0]["body"] == "Green or black?"


PRESETS = {
    "private_chat": ("invite", "shared", "can_join"),
    "trusted_private_chat": ("invite", "shared", "can_join"),
    "public_chat": ("public", "shared", "forbidden"),
}


@pytest.mark.parametrize("preset", PRESETS)
async def test_a_preset_sets_the_rules(alice: Person, preset: str) -> None:
    room = await alice.creates(preset=preset)
    join_rule, history, guests = PRESETS[preset]
    assert (await alice.state(room, "m.room.join_rules"))["join_rule"] == join_rule
    history_now = await alice.state(room, "m.room.history_visibility")
    assert history_now["history_visibility"] == history
    assert (await alice.state(room, "m.room.guest_access"))["guest_access"] == guests


@pytest.mark.parametrize(
    "visibility, join_rule", [("public", "public"), ("private", "invite"), (None, "invite")]
)
async def test_without_a_preset_the_visibility_decides(
    alice: Person, visibility: str | None, join_rule: str
) -> None:
    wish = {"visibility": visibility} if visibility else {}
    room = (await alice.post("/createRoom", wish))["room_id"]
    assert (await alice.state(room, "m.room.join_rules"))["join_rule"] == join_rule


async def test_in_a_trusted_private_chat_guests_are_equal(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, preset="trusted_private_chat", room_version="11")
    users = (await alice.state(room, "m.room.power_levels"))["users"]
    assert users[alice.user_id] == users[bob.user_id] == 100
    assert await alice.membership(room, bob) == "join"


async def test_initial_state_wins_over_the_preset(alice: Person) -> None:
    room = await alice.creates(
        initial_state=[
            {"type": "m.room.join_rules", "content": {"join_rule": "public"}},
            {"type": "org.example.colour", "state_key": "wall", "content": {"colour": "green"}},
        ],
    )
    assert (await alice.state(room, "m.room.join_rules"))["join_rule"] == "public"
    assert await alice.state(room, "org.example.colour", "wall") == {"colour": "green"}


async def test_levels_may_be_chosen_at_the_start(alice: Person) -> None:
    room = await alice.creates(power_level_content_override={"events_default": 10, "invite": 42})
    levels = await alice.state(room, "m.room.power_levels")
    assert (levels["events_default"], levels["invite"]) == (10, 42)
    assert levels["users"] == {alice.user_id: 100}


async def test_creation_content_is_kept(alice: Person) -> None:
    room = await alice.creates(creation_content={"m.federate": False, "org.example.note": "x"})
    create = await alice.state(room, "m.room.create")
    assert create["org.example.note"] == "x"
    assert create["m.federate"] is False


async def test_the_room_version_is_what_one_asked_for(alice: Person) -> None:
    versions = (await alice.get("/capabilities"))["capabilities"]["m.room_versions"]
    for version in versions["available"]:
        room = await alice.creates(room_version=version)
        assert (await alice.state(room, "m.room.create"))["room_version"] == version
    plain = await alice.creates()
    assert (await alice.state(plain, "m.room.create"))["room_version"] == versions["default"]


async def test_an_unknown_room_version_is_refused(alice: Person) -> None:
    with refused(400, "M_UNSUPPORTED_ROOM_VERSION"):
        await alice.creates(room_version="tea-and-biscuits")


async def test_the_creator_is_named_before_room_version_11_only(alice: Person) -> None:
    old, new = await alice.creates(room_version="10"), await alice.creates(room_version="11")
    assert (await alice.state(old, "m.room.create"))["creator"] == alice.user_id
    assert "creator" not in await alice.state(new, "m.room.create")


async def test_a_taken_alias_is_refused_and_nothing_is_made(alice: Person) -> None:
    name = fresh("tea")
    await alice.creates(room_alias_name=name)
    before = await alice.joined_rooms()
    with refused(400, "M_ROOM_IN_USE"):
        await alice.creates(room_alias_name=name)
    assert await alice.joined_rooms() == before


async def test_an_alias_given_at_the_start_leads_to_the_room(alice: Person, bob: Person) -> None:
    name = fresh("tea")
    room = await alice.opens(room_alias_name=name)
    alias = f"#{name}:{alice.server_name}"
    assert await bob.joins(alias) == room
    assert (await alice.state(room, "m.room.canonical_alias"))["alias"] == alias


async def test_invited_people_are_invited_directly_if_so_wished(alice: Person, bob: Person) -> None:
    answer = await alice.post(
        "/createRoom",
        {"preset": "trusted_private_chat", "invite": [bob.user_id], "is_direct": True},
    )
    room = answer["room_id"]
    invite = find((await bob.sync()).stripped(room), "m.room.member", bob.user_id)
    assert invite["content"]["is_direct"] is True
    assert invite["content"]["membership"] == "invite"


BAD_WISHES: dict[str, dict[str, Any]] = {
    "name": {"name": 1},
    "topic": {"topic": {"a": 1}},
    "invite": {"invite": "bob"},
    "creation content": {"creation_content": "x"},
    "initial state": {"initial_state": [{"content": {}}]},
    "alias with spaces and a colon": {"room_alias_name": "a b:c"},
    "preset": {"preset": "tea_party"},
    "visibility": {"visibility": "foggy"},
    "guest": {"invite": ["not a user id"]},
}


@pytest.mark.parametrize("wish", BAD_WISHES)
async def test_a_malformed_wish_is_refused(alice: Person, wish: str) -> None:
    answer = await alice.call("POST", "/createRoom", BAD_WISHES[wish])
    assert answer.status == 400, answer
    assert answer.code in ("M_BAD_JSON", "M_INVALID_PARAM", "M_INVALID_ROOM_STATE"), answer


async def test_a_level_that_is_no_number_makes_no_room(alice: Person) -> None:
    with refused(400, "M_INVALID_ROOM_STATE"):
        await alice.creates(power_level_content_override={"events_default": "a lot"})


async def test_what_the_levels_do_not_allow_makes_no_room(alice: Person) -> None:
    before = await alice.joined_rooms()
    override = {"users": {alice.user_id: 0}, "events": {"m.room.name": 100}}
    with refused(400, "M_INVALID_ROOM_STATE"):
        await alice.creates(name="Tea", power_level_content_override=override)
    assert await alice.joined_rooms() == before


async def test_rooms_are_listed_for_their_members(alice: Person, bob: Person) -> None:
    rooms = {await alice.creates(bob) for _ in range(3)}
    assert set(await bob.joined_rooms()) == rooms
    one = rooms.pop()
    await bob.leaves(one)
    assert set(await bob.joined_rooms()) == rooms


async def test_a_room_that_never_was_is_nobodys(alice: Person) -> None:
    room = "!nowhere:example.org"
    for path in ("state", "members", "joined_members", "messages?dir=b", "context/$x", "event/$x"):
        answer = await alice.call("GET", f"/rooms/{part(room)}/{path}")
        assert answer.status in (403, 404), answer
    answer = await alice.call("POST", f"/join/{part(room)}", {})
    assert answer.status in (403, 404), answer


async def test_an_upgraded_room_leaves_a_tombstone_and_carries_its_state_over(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob, name="Tea", topic="Leaves", room_version="10")
    await alice.sets_levels(room, events_default=3, users={alice.user_id: 100, bob.user_id: 7})
    new = (await alice.post(f"/rooms/{part(room)}/upgrade", {"new_version": "11"}))[
        "replacement_room"
    ]
    tombstone = await alice.state(room, "m.room.tombstone")
    assert tombstone["replacement_room"] == new
    create = await alice.state(new, "m.room.create")
    assert create["predecessor"]["room_id"] == room
    assert create["room_version"] == "11"
    assert (await alice.state(new, "m.room.name"))["name"] == "Tea"
    assert (await alice.state(new, "m.room.topic"))["topic"] == "Leaves"
    assert (await alice.state(new, "m.room.join_rules"))["join_rule"] == "public"
    assert (await alice.state(new, "m.room.power_levels"))["users"][bob.user_id] == 7
    await bob.joins(new)
    old_levels = await alice.state(room, "m.room.power_levels")
    assert old_levels["events_default"] >= 50  # nobody goes on talking in the old one


async def test_only_those_who_may_set_the_tombstone_may_upgrade(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, room_version="10")
    with refused(403, "M_FORBIDDEN"):
        await bob.post(f"/rooms/{part(room)}/upgrade", {"new_version": "11"})
    with refused(400, "M_UNSUPPORTED_ROOM_VERSION"):
        await alice.post(f"/rooms/{part(room)}/upgrade", {"new_version": "no such"})
