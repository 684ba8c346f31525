"""Who sees which part of a room's past: visibility × membership × what they look through.

spec: client-server-api/#room-history-visibility
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find, keys, texts

# What a joined newcomer reads of what was said (before the invitation, while invited, after
# joining), by the room's history visibility.
NEWCOMER = {
    "world_readable": ["early", "invited", "joined"],
    "shared": ["early", "invited", "joined"],
    "invited": ["invited", "joined"],
    "joined": ["joined"],
}


async def room_with_a_past(alice: Person, bob: Person, visibility: str) -> tuple[str, list[str]]:
    """Bob was invited and joined; something was said at each stage."""
    content = {"history_visibility": visibility}
    room = await alice.creates(
        initial_state=[{"type": "m.room.history_visibility", "content": content}]
    )
    said = [await alice.says(room, "early")]
    await alice.invites(room, bob)
    said.append(await alice.says(room, "invited"))
    await bob.joins(room)
    said.append(await alice.says(room, "joined"))
    return room, said


@pytest.mark.parametrize("visibility", NEWCOMER)
async def test_a_newcomer_reads_what_the_visibility_allows(
    alice: Person, bob: Person, visibility: str
) -> None:
    room, said = await room_with_a_past(alice, bob, visibility)
    visible = NEWCOMER[visibility]
    assert await bob.timeline(room) == visible
    page = await bob.messages(room, "f", limit=100)
    assert texts(page["chunk"]) == visible
    filter = {"room": {"timeline": {"limit": 100}}}
    assert (await bob.sync(filter=filter)).texts(room) == visible
    for event_id, text in zip(said, ("early", "invited", "joined"), strict=True):
        if text in visible:
            assert (await bob.event(room, event_id))["content"]["body"] == text
            assert (await bob.context(room, event_id))["event"]["event_id"] == event_id
        else:
            with refused(404, "M_NOT_FOUND"):
                await bob.event(room, event_id)
            with refused(404, "M_NOT_FOUND"):
                await bob.context(room, event_id)
    around = await bob.context(room, said[2], limit=100)
    assert texts(around["events_before"][::-1]) == visible[:-1]


@pytest.mark.parametrize("visibility", NEWCOMER)
async def test_who_has_left_reads_up_to_there(alice: Person, bob: Person, visibility: str) -> None:
    room, _ = await room_with_a_past(alice, bob, visibility)
    await bob.leaves(room)
    late = await alice.says(room, "late")
    open_to_all = visibility == "world_readable"
    expected = NEWCOMER[visibility] + (["late"] if open_to_all else [])
    assert await bob.timeline(room) == expected
    if not open_to_all:
        with refused(404, "M_NOT_FOUND"):
            await bob.event(room, late)


# Whether a stranger who never was inside, and one who is invited, may read at all.
@pytest.mark.parametrize("visibility", NEWCOMER)
@pytest.mark.parametrize("invited", [False, True])
async def test_who_is_not_inside_reads_only_what_the_world_may(
    alice: Person, bob: Person, visibility: str, invited: bool
) -> None:
    content = {"history_visibility": visibility}
    room = await alice.creates(
        initial_state=[{"type": "m.room.history_visibility", "content": content}]
    )
    event_id = await alice.says(room, "hello")
    if invited:
        await alice.invites(room, bob)
    answers = [
        await bob.call("GET", f"/rooms/{part(room)}/{path}")
        for path in (
            "messages?dir=b", f"event/{part(event_id)}", f"context/{part(event_id)}", "state",
            "state/m.room.create/", "members",
        )
    ]  # fmt: skip
    for answer in answers:
        assert (answer.status == 200) is (visibility == "world_readable"), answer
        assert answer.status in (200, 403, 404), answer
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "hi")


async def test_each_message_keeps_the_visibility_of_its_time(alice: Person, bob: Person) -> None:
    room = await alice.opens()

    async def says_under(visibility: str, text: str) -> None:
        await alice.sets(room, "m.room.history_visibility", {"history_visibility": visibility})
        await alice.says(room, text)

    await says_under("joined", "hidden")
    await says_under("shared", "shown")
    await says_under("joined", "hidden too")
    await says_under("world_readable", "open")
    await bob.joins(room)
    assert await bob.timeline(room) == ["shown", "open"]


async def test_a_gap_in_membership_is_a_gap_in_what_one_sees(alice: Person, bob: Person) -> None:
    room = await alice.opens(
        bob, initial_state=[
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
        ],
    )  # fmt: skip
    await alice.says(room, "one")
    await bob.leaves(room)
    await alice.says(room, "two")
    await bob.joins(room)
    await alice.says(room, "three")
    assert await bob.timeline(room) == ["one", "three"]
    assert (await bob.sync()).texts(room) == ["one", "three"]


async def test_shared_history_shows_the_gap_after_coming_back(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await alice.says(room, "meanwhile")
    assert await bob.timeline(room) == []
    await bob.joins(room)
    assert await bob.timeline(room) == ["meanwhile"]


async def test_who_was_banned_still_reads_what_they_had_seen(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.says(room, "before")
    await alice.bans(room, bob)
    await alice.says(room, "after")
    assert await bob.timeline(room) == ["before"]


async def test_a_place_in_time_that_one_may_not_see_is_not_told(alice: Person, bob: Person) -> None:
    room, _ = await room_with_a_past(alice, bob, "joined")
    path = f"/_matrix/client/v1/rooms/{part(room)}/timestamp_to_event"
    found = await bob.get(path, ts=0, dir="f")
    assert await bob.event(room, found["event_id"])


async def test_hidden_relations_are_not_told_either(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    root = await alice.says(room, "root")
    await bob.leaves(room)
    await alice.answers_in_thread(room, root, "after bob left")
    seen: dict[str, Any] = (await bob.event(room, root))["unsigned"].get("m.relations", {})
    assert seen == {}
    assert (await bob.relations(room, root))["chunk"] == []


async def test_an_edit_after_leaving_is_not_seen(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    message = await alice.says(room, "first")
    await bob.leaves(room)
    await alice.edits(room, message, "second")
    assert "second" not in str(await bob.event(room, message))


async def test_a_newcomer_knows_the_room_though_its_past_is_hidden(
    alice: Person, bob: Person
) -> None:
    content = {"history_visibility": "joined"}
    room = await alice.opens(
        initial_state=[{"type": "m.room.history_visibility", "content": content}]
    )
    await alice.sets(room, "m.room.name", {"name": "Tea"})
    await bob.hears()
    await bob.joins(room)
    for news in (await bob.hears(), await bob.sync()):
        whole = [*news.state(room), *news.timeline(room)]
        assert find(whole, "m.room.name")["content"] == {"name": "Tea"}
        assert {("m.room.create", ""), ("m.room.member", alice.user_id)} <= keys(whole)
