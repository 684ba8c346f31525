"""/sync: the rooms of one person, first whole and then what is new.

spec: client-server-api/#syncing
"""

import asyncio
from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person
from tests.stories.news import find, ids, keys, texts
from tests.stories.server import Server

SOON = 20  # seconds within which a waiting client must be woken


def at_most(limit: int) -> dict[str, Any]:
    return {"room": {"timeline": {"limit": limit}}}


async def waiting(person: Person, **query: Any) -> "asyncio.Task[Any]":
    """A long-polling sync that has certainly begun before this returns."""
    task = asyncio.create_task(person.hears(timeout=60_000, **query))
    await asyncio.sleep(0.05)
    return task


async def test_a_first_sync_has_every_room_with_its_state(alice: Person, bob: Person) -> None:
    rooms = [await alice.creates(bob, name=f"room {i}") for i in range(3)]
    news = await bob.sync()
    assert set(news.rooms()) == set(rooms)
    for i, room in enumerate(rooms):
        whole = [*news.state(room), *news.timeline(room)]
        assert find(whole, "m.room.name")["content"] == {"name": f"room {i}"}
        assert ("m.room.create", "") in keys(whole)
        assert {("m.room.member", p.user_id) for p in (alice, bob)} <= keys(whole)


async def test_somebody_new_has_nothing_but_their_push_rules(alice: Person) -> None:
    news = await alice.sync()
    assert news.rooms() == {}
    assert set(news.account_data()) == {"m.push_rules"}
    assert {"override", "content", "room", "sender", "underride"} <= set(
        news.account_data()["m.push_rules"]["global"]
    )


async def test_only_what_is_new_comes_after_that(alice: Person, bob: Person) -> None:
    room, quiet = await alice.creates(bob), await alice.creates(bob)
    await alice.says(room, "before")
    await bob.hears()
    await alice.says(room, "after")
    news = await bob.hears()
    assert news.texts(room) == ["after"]
    assert news.state(room) == []
    assert not news.limited(room)
    assert quiet not in news.rooms()
    assert (await bob.hears()).rooms() == {}


async def test_the_same_token_gives_the_same_again(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    since = (await bob.sync()).token
    await alice.says(room, "hello")
    assert (await bob.sync(since)).texts(room) == ["hello"]
    assert (await bob.sync(since)).texts(room) == ["hello"]


async def test_events_in_a_sync_need_not_name_their_room(alice: Person) -> None:
    room = await alice.creates()
    await alice.says(room, "hello")
    event = (await alice.sync()).timeline(room)[-1]
    assert event.get("room_id", room) == room
    assert set(event) >= {"event_id", "sender", "type", "content", "origin_server_ts", "unsigned"}


async def test_the_first_timeline_is_cut_where_one_wants(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    for i in range(8):
        await alice.says(room, str(i))
    news = await alice.sync(filter=at_most(3))
    assert news.texts(room) == ["5", "6", "7"]
    assert news.limited(room)
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Tea"}
    whole = await alice.sync(filter=at_most(100))
    assert not whole.limited(room)
    assert whole.timeline(room)[0]["type"] == "m.room.create"
    assert whole.state(room) == []


async def test_state_in_the_timeline_is_not_repeated_before_it(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    news = await alice.sync()
    assert not keys(news.state(room)) & keys(news.timeline(room))


async def test_the_state_is_that_before_the_timeline(alice: Person) -> None:
    room = await alice.creates(name="Old")
    for i in range(5):
        await alice.says(room, str(i))
    await alice.sets(room, "m.room.name", {"name": "New"})
    await alice.says(room, "last")
    news = await alice.sync(filter=at_most(2))
    assert find(news.timeline(room), "m.room.name")["content"] == {"name": "New"}
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Old"}


async def test_after_a_gap_the_state_that_changed_in_it_comes_too(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob, name="Old")
    await bob.hears()
    await alice.sets(room, "m.room.name", {"name": "New"})
    await alice.sets(room, "m.room.topic", {"topic": "unseen"})
    for i in range(6):
        await alice.says(room, str(i))
    news = await bob.hears(filter=at_most(4))
    assert news.limited(room)
    assert news.texts(room) == ["2", "3", "4", "5"]
    assert find(news.state(room), "m.room.name")["content"] == {"name": "New"}
    assert keys(news.state(room)) == {("m.room.name", ""), ("m.room.topic", "")}
    missed = await bob.messages(room, "b", limit=4, **{"from": news.gap(room)})
    assert texts(missed["chunk"]) == ["1", "0"]


async def test_without_a_gap_new_state_is_in_the_timeline_only(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await alice.sets(room, "m.room.name", {"name": "New"})
    news = await bob.hears()
    assert news.state(room) == []
    assert keys(news.timeline(room)) == {("m.room.name", "")}


async def test_state_after_the_timeline_if_so_wished(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Old")
    first = await bob.hears(filter=at_most(1), use_state_after=True)
    assert find(first.state_after(room), "m.room.name")["content"] == {"name": "Old"}
    assert first.state(room) == []
    await alice.sets(room, "m.room.name", {"name": "New"})
    await alice.says(room, "hello")
    news = await bob.hears(use_state_after=True)
    assert find(news.state_after(room), "m.room.name")["content"] == {"name": "New"}
    assert "state" not in news.room(room)


async def test_state_after_a_gap_is_complete(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Old")
    await bob.hears(use_state_after=True)
    await alice.sets(room, "m.room.topic", {"topic": "in the gap"})
    for i in range(5):
        await alice.says(room, str(i))
    await alice.sets(room, "m.room.name", {"name": "in the timeline"})
    news = await bob.hears(filter=at_most(2), use_state_after=True)
    assert news.limited(room)
    assert keys(news.state_after(room)) == {("m.room.name", ""), ("m.room.topic", "")}


async def test_the_full_state_comes_again_if_so_wished(alice: Person, bob: Person) -> None:
    room, other = await alice.creates(bob, name="Tea"), await alice.creates(bob)
    await bob.hears()
    await alice.says(room, "hello")
    news = await bob.hears(full_state=True)
    assert set(news.rooms()) == {room, other}
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Tea"}
    assert ("m.room.create", "") in keys(news.state(other))
    assert news.texts(room) == ["hello"]


async def test_a_room_that_one_joins_comes_whole(alice: Person, bob: Person) -> None:
    room = await alice.opens(name="Tea")
    await alice.says(room, "before bob")
    await bob.hears()
    await bob.joins(room)
    news = await bob.hears()
    whole = [*news.state(room), *news.timeline(room)]
    assert find(whole, "m.room.name")["content"] == {"name": "Tea"}
    assert ("m.room.member", alice.user_id) in keys(whole)
    assert news.texts(room) == ["before bob"]


async def test_a_room_that_one_creates_comes_whole(alice: Person) -> None:
    await alice.hears()
    room = await alice.creates(name="Tea")
    whole = [*(news := await alice.hears()).state(room), *news.timeline(room)]
    assert {("m.room.create", ""), ("m.room.name", "")} <= keys(whole)


async def test_an_invitation_appears_and_then_the_room(alice: Person, bob: Person) -> None:
    room = await alice.creates(name="Tea")
    await bob.hears()
    await alice.invites(room, bob)
    invited = await bob.hears()
    assert set(invited.rooms("invite")) == {room}
    assert room not in invited.rooms()
    await alice.says(room, "waiting for bob")
    assert room not in (await bob.hears()).rooms()
    await bob.joins(room)
    joined = await bob.hears()
    assert room not in joined.rooms("invite")
    assert find([*joined.state(room), *joined.timeline(room)], "m.room.name")["content"] == {
        "name": "Tea"
    }
    assert joined.texts(room) == ["waiting for bob"]


async def test_a_room_that_one_leaves_is_told_of_once(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await alice.says(room, "last words")
    await bob.leaves(room)
    await alice.says(room, "unheard")
    news = await bob.hears()
    assert room not in news.rooms()
    assert news.texts(room, "leave") == ["last words"]
    own = news.timeline(room, "leave")[-1]
    assert (own["state_key"], own["content"]["membership"]) == (bob.user_id, "leave")
    assert (await bob.hears()).rooms("leave") == {}


async def test_being_removed_is_told_with_the_reason(alice: Person, bob: Person) -> None:
    for act, membership in (("kicks", "leave"), ("bans", "ban")):
        room = await alice.creates(bob)
        await bob.hears()
        await getattr(alice, act)(room, bob, reason="spam")
        own = (await bob.hears()).timeline(room, "leave")[-1]
        assert own["content"]["membership"] == membership
        assert own["content"]["reason"] == "spam"


async def test_a_first_sync_leaves_out_left_rooms_unless_wished(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Tea")
    await alice.says(room, "seen")
    await bob.leaves(room)
    await alice.says(room, "unseen")
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    assert (await bob.sync()).rooms("leave") == {}
    news = await bob.sync(filter={"room": {"include_leave": True}})
    assert news.texts(room, "leave") == ["seen"]
    whole = [*news.state(room, "leave"), *news.timeline(room, "leave")]
    assert find(whole, "m.room.name")["content"] == {"name": "Tea"}


async def test_joining_and_leaving_between_two_syncs_leaves_a_left_room(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens()
    await bob.hears()
    await bob.joins(room)
    await alice.says(room, "hi bob")
    await bob.leaves(room)
    news = await bob.hears()
    assert room not in news.rooms()
    assert news.timeline(room, "leave")[-1]["content"]["membership"] == "leave"


async def test_leaving_and_coming_back_between_two_syncs_misses_nothing(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob, name="Tea")
    await bob.hears()
    await bob.leaves(room)
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    await alice.says(room, "meanwhile")
    await bob.joins(room)
    await alice.says(room, "back again")
    news = await bob.hears()
    assert news.rooms("leave") == {}
    whole = [*news.state(room), *news.timeline(room)]
    assert find(whole, "m.room.name")["content"] == {"name": "Coffee"}
    assert news.texts(room)[-1] == "back again"


async def test_coming_back_to_a_room_with_hidden_history_shows_no_hidden_state(
    alice: Person, bob: Person
) -> None:
    content = {"history_visibility": "joined"}
    room = await alice.opens(
        bob, initial_state=[{"type": "m.room.history_visibility", "content": content}]
    )
    await bob.leaves(room)
    await alice.says(room, "hidden")
    await bob.hears()
    await bob.joins(room)
    news = await bob.hears()
    assert news.texts(room) == []


async def test_a_long_poll_waits_for_news(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    task = await waiting(bob)
    assert not task.done()
    await alice.says(room, "wake up")
    assert (await asyncio.wait_for(task, SOON)).texts(room) == ["wake up"]


async def test_all_devices_of_all_members_wake(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol)
    devices = [alice, await alice.on_another_device(), bob, carol, await bob.on_another_device()]
    quietly = {"presence": {"types": []}}  # they wake one another by being there
    for device in devices:
        await device.hears(filter=quietly)
    tasks = [await waiting(device, filter=quietly) for device in devices]
    await alice.says(room, "wake up")
    for task in tasks:
        assert (await asyncio.wait_for(task, SOON)).texts(room) == ["wake up"]


async def test_a_long_poll_wakes_for_invitations_joins_and_removals(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates()
    await bob.hears()
    task = await waiting(bob)
    await alice.invites(room, bob)
    assert set((await asyncio.wait_for(task, SOON)).rooms("invite")) == {room}
    task = await waiting(bob)
    await bob.joins(room)
    assert room in (await asyncio.wait_for(task, SOON)).rooms()
    task = await waiting(bob)
    await alice.kicks(room, bob)
    assert room in (await asyncio.wait_for(task, SOON)).rooms("leave")


async def test_a_long_poll_does_not_wake_for_other_rooms(alice: Person, bob: Person) -> None:
    room, other = await alice.creates(bob), await alice.creates()
    await bob.hears()
    task = await waiting(bob)
    await alice.says(other, "not for bob")
    await alice.says(room, "for bob")
    news = await asyncio.wait_for(task, SOON)
    assert set(news.rooms()) == {room}


async def test_a_long_poll_ends_in_time_with_nothing(alice: Person) -> None:
    await alice.hears()
    news = await alice.hears(timeout=10)
    assert news.rooms() == {}
    assert news.token


async def test_what_came_before_the_long_poll_does_not_have_to_be_waited_for(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await alice.says(room, "already here")
    news = await asyncio.wait_for(bob.hears(timeout=60_000), SOON)
    assert news.texts(room) == ["already here"]


async def test_every_message_comes_exactly_once_while_others_talk(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()

    async def talk() -> None:
        for i in range(40):
            await alice.says(room, str(i))

    talking = asyncio.create_task(talk())
    heard: list[str] = []
    while len(heard) < 40:
        news = await asyncio.wait_for(bob.hears(timeout=60_000, filter=at_most(100)), SOON)
        heard += news.texts(room)
    await talking
    assert heard == [str(i) for i in range(40)]


async def test_rooms_come_with_who_is_in_them(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob)
    await alice.invites(room, carol)
    summary = (await bob.sync()).room(room)["summary"]
    assert summary["m.joined_member_count"] == 2
    assert summary["m.invited_member_count"] == 1
    assert set(summary["m.heroes"]) == {alice.user_id, carol.user_id}
    await bob.hears()
    await carol.joins(room)
    assert (await bob.hears()).room(room)["summary"]["m.joined_member_count"] == 3


async def test_a_token_of_nobodys_making_is_refused(alice: Person) -> None:
    for token in ("nonsense", "s1_2_3", "q-5"):
        with refused(400, "M_INVALID_PARAM"):
            await alice.sync(token)


async def test_a_token_from_the_future_does_not_break_the_client(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    news = await bob.sync("q999999999")
    assert news.token
    await alice.says(room, "hello")
    again = await bob.sync(news.token)
    assert again.token


async def test_a_very_old_token_still_works(server: Server, alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    since = (await bob.sync()).token
    for i in range(30):
        await alice.says(room, str(i))
        await alice.sets(room, "m.room.topic", {"topic": str(i)})
    news = await bob.sync(since, filter=at_most(100))
    assert news.texts(room) == [str(i) for i in range(30)]


async def test_a_left_room_stays_away_when_one_goes_on_from_an_old_token(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    since = (await bob.sync()).token
    await bob.leaves(room)
    assert room in (await bob.sync(since)).rooms("leave")
    assert room in (await bob.sync(since)).rooms("leave")


async def test_an_invitation_taken_back_is_told(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    await bob.hears()
    await alice.kicks(room, bob)
    news = await bob.hears()
    assert room in news.rooms("leave")
    assert room not in news.rooms("invite")
    # What was said in a room that one never was in is not told.
    assert len(news.timeline(room, "leave")) <= 1


@pytest.mark.parametrize("query", ["timeout=x", "timeout=-1", "full_state=maybe", "filter={"])
async def test_malformed_questions_are_refused(alice: Person, query: str) -> None:
    answer = await alice.call("GET", f"/sync?{query}")
    assert answer.status == 400, answer
    assert answer.code in ("M_INVALID_PARAM", "M_NOT_JSON", "M_BAD_JSON"), answer


async def test_sync_events_are_those_of_the_event_endpoint(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    await alice.says(room, "hello")
    for event in (await alice.sync()).timeline(room):
        alone = await alice.event(room, event["event_id"])
        alone["unsigned"].pop("age")
        event["unsigned"].pop("age")
        alone.pop("room_id")
        event.pop("room_id", None)
        assert alone == event
    assert len(ids((await alice.sync()).timeline(room))) > 5
