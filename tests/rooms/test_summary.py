"""A room in brief, and who may see it."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.rooms.house import Answer, Guest, House, ok, refused

V1 = "/_matrix/client/v1/room_summary/"
UNSTABLE = "/_matrix/client/unstable/im.nheko.summary"


async def summary(guest: Guest, room: str) -> Answer:
    return await guest.get(V1 + quote(room, safe=""))


def rule(join_rule: str, *neighbours: str) -> dict[str, Any]:
    allow = [{"type": "m.room_membership", "room_id": room} for room in neighbours]
    content = {"join_rule": join_rule} | ({"allow": allow} if neighbours else {})
    return {"type": "m.room.join_rules", "content": content}


async def test_members_see_the_whole_summary(alice: Guest) -> None:
    room = await alice.room(
        name="Tea",
        initial_state=[
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
        ],
    )
    assert ok(await summary(alice, room)).body == {
        "room_id": room,
        "name": "Tea",
        "num_joined_members": 1,
        "world_readable": False,
        "guest_can_join": True,
        "join_rule": "invite",
        "room_version": "11",
        "encryption": "m.megolm.v1.aes-sha2",
        "membership": "join",
    }


async def test_a_private_room_is_not_there_for_others(
    house: House, alice: Guest, bob: Guest
) -> None:
    room = await alice.room()
    for guest in (bob, house.stranger):
        refused(await summary(guest, room), 404, "M_NOT_FOUND")
        refused(await summary(guest, "!no:example.org"), 404, "M_NOT_FOUND")
    refused(await summary(bob, "#no:example.org"), 404, "M_NOT_FOUND")
    refused(await summary(bob, "tea"), 400, "M_INVALID_PARAM")


async def test_whoever_is_invited_sees_the_room(alice: Guest, bob: Guest) -> None:
    room = await alice.room(invite=[bob.user_id])
    assert ok(await summary(bob, room))["membership"] == "invite"
    ok(await bob.post(f"/rooms/{room}/leave"))
    refused(await summary(bob, room), 404, "M_NOT_FOUND")


@pytest.mark.parametrize("state", [
    rule("public"),
    rule("knock"),
    rule("knock_restricted"),
    {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}},
])  # fmt: skip
async def test_an_open_room_is_seen_by_all(
    house: House, alice: Guest, bob: Guest, state: dict[str, Any]
) -> None:
    room = await alice.room(initial_state=[state], room_alias_name="tea")
    assert ok(await summary(bob, room))["membership"] == "leave"
    assert "membership" not in ok(await summary(house.stranger, "#tea:example.org")).body
    for path in (f"{UNSTABLE}/summary/{room}", f"{UNSTABLE}/rooms/{room}/summary"):
        assert ok(await bob.get(path))["room_id"] == room


async def test_a_rule_that_the_room_version_does_not_know_opens_nothing(
    alice: Guest, bob: Guest
) -> None:
    room = await alice.room(room_version="6", initial_state=[rule("knock")])
    refused(await summary(bob, room), 404, "M_NOT_FOUND")


async def test_neighbours_see_a_restricted_room(alice: Guest, bob: Guest, carol: Guest) -> None:
    yard = await alice.room(preset="public_chat")
    room = await alice.room(initial_state=[rule("restricted", yard)])
    await bob.join(yard)
    answer = ok(await summary(bob, room))
    assert answer["allowed_room_ids"] == [yard]
    assert answer["join_rule"] == "restricted"
    refused(await summary(carol, room), 404, "M_NOT_FOUND")


async def test_what_is_ill_formed_is_left_out(alice: Guest) -> None:
    room = await alice.room()
    for type, content in (
        ("m.room.name", {"name": 3}),
        ("m.room.topic", {"topic": ["tea"], "m.topic": {"m.text": [{"body": 4}, "tea"]}}),
        ("m.room.avatar", {"url": "https://example.org/leaf"}),
        ("m.room.encryption", {"algorithm": 1}),
        ("m.room.join_rules", {"join_rule": "restricted", "allow": [{"room_id": 4}, 5]}),
        ("m.room.guest_access", {"guest_access": True}),
    ):
        ok(await alice.set(room, type, content))
    assert ok(await summary(alice, room)).body == {
        "room_id": room,
        "num_joined_members": 1,
        "world_readable": False,
        "guest_can_join": False,
        "join_rule": "restricted",
        "room_version": "11",
        "membership": "join",
    }


async def test_the_topic_is_its_plain_text(alice: Guest) -> None:
    room = await alice.room()
    texts = [{"body": "<b>Tea</b>", "mimetype": "text/html"}, {"body": "Tea"}]
    ok(await alice.set(room, "m.room.topic", {"topic": "Old", "m.topic": {"m.text": texts}}))
    assert ok(await summary(alice, room))["topic"] == "Tea"
