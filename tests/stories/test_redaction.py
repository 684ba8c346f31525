"""Taking back what was said, by the rules of each room version.

spec: client-server-api/#redactions, rooms/v10 … rooms/v12
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find

VERSIONS = ["9", "10", "11", "12"]
versions = pytest.mark.parametrize("version", VERSIONS)


@versions
async def test_a_redacted_message_is_empty_everywhere(
    alice: Person, bob: Person, version: str
) -> None:
    room = await alice.creates(bob, room_version=version)
    message = await alice.says(room, "oops")
    redaction = await alice.redacts(room, message, reason="typo")
    event = await bob.event(room, message)
    assert event["content"] == {}
    because = event["unsigned"]["redacted_because"]
    assert because["event_id"] == redaction
    assert because["content"]["reason"] == "typo"
    assert because["sender"] == alice.user_id
    assert await bob.timeline(room) == []
    in_sync = [e for e in (await bob.sync()).timeline(room) if e["event_id"] == message]
    assert in_sync[0]["content"] == {}


@versions
async def test_a_redaction_names_what_it_redacts_where_its_version_wants_it(
    alice: Person, version: str
) -> None:
    room = await alice.creates(room_version=version)
    message = await alice.says(room, "oops")
    event = await alice.event(room, await alice.redacts(room, message))
    assert event["type"] == "m.room.redaction"
    assert event["redacts"] == message  # for old clients also in new versions
    if version in ("11", "12"):
        assert event["content"]["redacts"] == message
    else:
        assert "redacts" not in event["content"]


async def test_a_redaction_is_news(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "oops")
    since = (await bob.sync()).token
    redaction = await alice.redacts(room, message)
    assert [e["event_id"] for e in (await bob.sync(since)).timeline(room)] == [redaction]


async def test_ones_own_words_are_taken_back_by_anybody(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await bob.says(room, "oops")
    await bob.redacts(room, message)
    assert (await alice.event(room, message))["content"] == {}


async def test_others_words_are_taken_back_by_moderators_only(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol)
    message = await bob.says(room, "rude")
    with refused(403, "M_FORBIDDEN"):
        await carol.redacts(room, message)
    assert (await alice.event(room, message))["content"]["body"] == "rude"
    await alice.redacts(room, message)
    assert (await alice.event(room, message))["content"] == {}


async def test_redacting_may_need_power_even_for_ones_own(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.sets_levels(room, events={"m.room.redaction": 20})
    message = await bob.says(room, "oops")
    with refused(403, "M_FORBIDDEN"):
        await bob.redacts(room, message)


async def test_what_does_not_exist_cannot_be_redacted(alice: Person) -> None:
    room, other = await alice.creates(), await alice.creates()
    elsewhere = await alice.says(other, "elsewhere")
    for event_id in ("$nothing", elsewhere):
        answer = await alice.call("PUT", f"/rooms/{part(room)}/redact/{part(event_id)}/t", {})
        assert answer.status in (400, 403, 404), answer
    assert (await alice.event(other, elsewhere))["content"]["body"] == "elsewhere"


async def test_redacting_again_leaves_it_redacted(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "oops")
    first = await alice.redacts(room, message)
    await alice.redacts(room, message)
    event = await alice.event(room, message)
    assert event["unsigned"]["redacted_because"]["event_id"] == first


async def test_redacted_state_keeps_its_place_without_its_content(alice: Person) -> None:
    room = await alice.creates()
    name = await alice.sets(room, "m.room.name", {"name": "Rude"})
    await alice.redacts(room, name)
    assert await alice.state(room, "m.room.name") == {}
    event = find((await alice.sync()).timeline(room), "m.room.name")
    assert event["content"] == {}


async def test_what_replaced_redacted_state_no_longer_tells_the_old(alice: Person) -> None:
    room = await alice.creates()
    rude = await alice.sets(room, "m.room.name", {"name": "Rude"})
    polite = await alice.sets(room, "m.room.name", {"name": "Polite"})
    await alice.redacts(room, rude)
    for event in (await alice.event(room, polite), (await alice.sync()).timeline(room)[-2]):
        assert event["event_id"] == polite
        assert "Rude" not in str(event)


KEPT: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # state type: (content, what version 10 keeps, what versions 11 and 12 keep)
    "join rules": (
        "m.room.join_rules",
        {"join_rule": "public", "allow": [], "extra": 1},
        {"join_rule": "public", "allow": []},
        {"join_rule": "public", "allow": []},
    ),
    "power levels": (
        "m.room.power_levels",
        {"ban": 51, "invite": 3, "notifications": {"room": 10}, "extra": 1},
        {"ban": 51},
        {"ban": 51, "invite": 3},
    ),
    "history visibility": (
        "m.room.history_visibility",
        {"history_visibility": "joined", "extra": 1},
        {"history_visibility": "joined"},
        {"history_visibility": "joined"},
    ),
    "name": ("m.room.name", {"name": "Tea"}, {}, {}),
}


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_a_redaction_keeps_what_the_room_needs(
    alice: Person, version: str, kind: str
) -> None:
    type, content, kept_by_10, kept_later = KEPT[kind]
    room = await alice.creates(room_version=version)
    event_id = await alice.sets(room, type, content)
    await alice.redacts(room, event_id)
    kept = kept_by_10 if version == "10" else kept_later
    assert (await alice.event(room, event_id))["content"] == kept


@pytest.mark.parametrize("version", ["10", "11", "12"])
async def test_a_redacted_membership_is_still_one(alice: Person, bob: Person, version: str) -> None:
    room = await alice.creates(bob, room_version=version)
    content = {"membership": "join", "displayname": "Rude", "reason": "rude"}
    event_id = await bob.sets(room, "m.room.member", content, bob.user_id)
    await alice.redacts(room, event_id)
    assert await alice.state(room, "m.room.member", bob.user_id) == {"membership": "join"}
    await bob.says(room, "still here")


async def test_a_redacted_creation_keeps_everything_since_version_11(alice: Person) -> None:
    for version, keeps in (("10", False), ("11", True)):
        room = await alice.creates(room_version=version, creation_content={"org.example": 1})
        create = find(await alice.whole_state(room), "m.room.create")
        await alice.redacts(room, create["event_id"])
        assert ("org.example" in await alice.state(room, "m.room.create")) is keeps


async def test_a_redacted_reaction_no_longer_counts(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    reaction = await bob.reacts(room, message)
    await bob.redacts(room, reaction)
    assert (await alice.relations(room, message))["chunk"] == []


async def test_redacting_through_send_works_like_the_endpoint(alice: Person) -> None:
    room = await alice.creates(room_version="11")
    message = await alice.says(room, "oops")
    await alice.sends(room, "m.room.redaction", {"redacts": message, "reason": "typo"})
    assert (await alice.event(room, message))["content"] == {}


async def test_a_redacted_message_no_longer_counts_as_unread(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "oops")
    assert (await bob.sync()).counts(room) == (1, 0)
    await alice.redacts(room, message)
    assert (await bob.sync()).counts(room) == (0, 0)
