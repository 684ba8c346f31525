"""Rooms that one has left, as /sync tells of them: what is in them, and when they appear.

spec: client-server-api/#syncing, #leaving-rooms
"""

from tests.stories.cast import Person
from tests.stories.news import find, keys

ARCHIVE = {"room": {"include_leave": True, "timeline": {"limit": 3}}}


async def test_a_left_room_appears_once_in_an_incremental_sync(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await bob.hears()
    await alice.says(room, "still talking")
    assert (await bob.hears()).rooms("leave") == {}
    assert (await bob.hears(ARCHIVE)).rooms("leave") == {}


async def test_a_newly_left_room_appears_after_a_gap(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, name="Tea")
    await bob.hears()
    for i in range(10):
        await alice.says(room, str(i))
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    await bob.leaves(room)
    for i in range(10):
        await alice.says(room, f"unseen {i}")
    news = await bob.hears(ARCHIVE)
    assert news.limited(room, "leave")
    assert len(news.timeline(room, "leave")) == 3
    assert news.timeline(room, "leave")[-1]["state_key"] == bob.user_id
    assert "unseen" not in str(news.room(room, "leave"))


async def test_a_gap_carries_the_state_that_changed_in_it(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, name="Tea")
    await bob.hears()
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    for i in range(10):
        await alice.says(room, str(i))
    await bob.leaves(room)
    await alice.sets(room, "m.room.name", {"name": "Unseen"})
    news = await bob.hears(ARCHIVE)
    assert find(news.state(room, "leave"), "m.room.name")["content"] == {"name": "Coffee"}


async def test_an_archived_room_is_as_it_was(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.opens(bob, name="Tea")
    await alice.says(room, "before")
    await bob.leaves(room)
    await carol.joins(room)
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.sync(filter=ARCHIVE)
    whole = [*news.state(room, "leave"), *news.timeline(room, "leave")]
    assert find(whole, "m.room.name")["content"] == {"name": "Tea"}
    assert ("m.room.member", carol.user_id) not in keys(whole)
    assert news.texts(room, "leave") == ["before"]


async def test_ones_own_leaving_is_seen_whatever_the_visibility(alice: Person, bob: Person) -> None:
    for visibility in ("joined", "invited", "shared", "world_readable"):
        content = {"history_visibility": visibility}
        room = await alice.creates(
            bob, initial_state=[{"type": "m.room.history_visibility", "content": content}]
        )
        await bob.hears()
        await bob.leaves(room)
        own = (await bob.hears()).timeline(room, "leave")[-1]
        assert (own["state_key"], own["content"]["membership"]) == (bob.user_id, "leave")


async def test_rejecting_an_invitation_shows_ones_own_leaving(alice: Person, bob: Person) -> None:
    content = {"history_visibility": "joined"}
    room = await alice.creates(
        initial_state=[{"type": "m.room.history_visibility", "content": content}]
    )
    await alice.invites(room, bob)
    await bob.hears()
    await bob.leaves(room)
    (own,) = (await bob.hears()).timeline(room, "leave")
    assert (own["state_key"], own["content"]["membership"]) == (bob.user_id, "leave")


async def test_pages_go_back_from_an_archived_room(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    for i in range(10):
        await alice.says(room, str(i))
    await bob.leaves(room)
    await alice.says(room, "unseen")
    news = await bob.sync(filter=ARCHIVE)
    page = await bob.messages(room, "b", limit=3, **{"from": news.gap(room, "leave")})
    bodies = [event["content"].get("body") for event in page["chunk"]]
    assert bodies == ["7", "6", "5"]


async def test_the_full_state_of_left_rooms_does_not_come_again(alice: Person, bob: Person) -> None:
    room, left = await alice.opens(bob), await alice.opens(bob)
    await bob.leaves(left)
    await bob.hears()
    news = await bob.hears(full_state=True)
    assert set(news.rooms()) == {room}
    assert news.rooms("leave") == {}


async def test_being_banned_while_away_shows_the_ban(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await bob.hears()
    await alice.bans(room, bob)
    news = await bob.hears()
    assert news.timeline(room, "leave")[-1]["content"]["membership"] == "ban"


async def test_a_ban_does_not_open_what_was_said_since_leaving(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await alice.says(room, "unseen")
    await bob.hears()
    await alice.bans(room, bob)
    news = await bob.hears()
    assert "unseen" not in str(news.body)
    assert "unseen" not in str(await bob.messages(room))


async def test_leaving_is_told_even_if_the_room_was_forgotten_at_once(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob)
    await bob.hears()
    await bob.leaves(room)
    await bob.forgets(room)
    assert room in (await bob.hears()).rooms("leave")
    assert (await bob.hears()).rooms("leave") == {}
    assert room not in (await bob.sync(filter=ARCHIVE)).rooms("leave")


async def test_a_declined_invitation_can_be_forgotten(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    await bob.leaves(room)
    await bob.forgets(room)
    assert room not in (await bob.sync(filter=ARCHIVE)).rooms("leave")
