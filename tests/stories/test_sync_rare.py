"""What /sync must also get right, though it happens rarely."""

import asyncio

from tests.stories.cast import Person
from tests.stories.news import find, ids, keys
from tests.stories.server import Server
from tests.stories.test_sync import SOON, at_most, waiting


async def test_newcomers_come_with_their_presence(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    await bob.hears()
    await alice.hears()
    await bob.joins(room)
    assert (await alice.hears()).presence()[bob.user_id]["presence"] == "online"
    assert (await bob.hears()).presence()[alice.user_id]["presence"] == "online"


async def test_a_token_that_points_at_a_redaction_works(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "oops")
    await alice.redacts(room, message)
    since = (await bob.sync()).token
    await alice.says(room, "next")
    assert (await bob.sync(since)).texts(room) == ["next"]


async def test_a_timeline_of_zero_events_still_has_the_state(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Tea")
    await alice.says(room, "hello")
    news = await bob.hears(at_most(0))
    assert news.timeline(room) == []
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Tea"}
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.hears(at_most(0))
    assert news.timeline(room) == []
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Coffee"}


async def test_two_changes_of_one_state_in_a_gap_give_the_last(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    for name in ("one", "two", "three"):
        await alice.sets(room, "m.room.name", {"name": name})
    for i in range(3):
        await alice.says(room, str(i))
    news = await bob.hears(at_most(2))
    names = [e["content"]["name"] for e in news.state(room) if e["type"] == "m.room.name"]
    assert names == ["three"]


async def test_state_of_the_gap_and_of_the_timeline_do_not_mix(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await alice.sets(room, "m.room.name", {"name": "in the gap"})
    await alice.says(room, "1")
    await alice.sets(room, "m.room.name", {"name": "in the timeline"})
    await alice.says(room, "2")
    news = await bob.hears(at_most(2))
    assert find(news.state(room), "m.room.name")["content"] == {"name": "in the gap"}
    assert find(news.timeline(room), "m.room.name")["content"] == {"name": "in the timeline"}


async def test_many_rooms_with_news_come_at_once(alice: Person, bob: Person) -> None:
    rooms = [await alice.creates(bob) for _ in range(20)]
    await bob.hears()
    for room in rooms:
        await alice.says(room, room)
    news = await bob.hears()
    assert {room: news.texts(room) for room in rooms} == {room: [room] for room in rooms}


async def test_ones_own_messages_come_to_all_ones_devices(alice: Person) -> None:
    room = await alice.creates()
    phone = await alice.on_another_device()
    await alice.hears()
    await phone.hears()
    task = await waiting(phone)
    event_id = await alice.says(room, "from the desk")
    assert ids((await asyncio.wait_for(task, SOON)).timeline(room)) == [event_id]
    assert ids((await alice.hears()).timeline(room)) == [event_id]


async def test_a_device_signed_out_while_it_waits_is_told(alice: Person) -> None:
    phone = await alice.on_another_device()
    since = (await phone.sync()).token
    waiting_call = asyncio.create_task(phone.call("GET", "/sync", since=since, timeout=60_000))
    await asyncio.sleep(0.05)
    await alice.delete(f"/devices/{phone.device_id}", {"auth": alice.proof()})
    room = await alice.creates()
    await alice.says(room, "not for the lost phone")
    answer = await asyncio.wait_for(waiting_call, SOON)
    assert answer.status == 401 or room not in answer.body.get("rooms", {}).get("join", {}), answer


async def test_invitations_come_with_what_is_shown_and_once(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await bob.hears()
    await alice.invites(room, bob)
    assert room in (await bob.hears()).rooms("invite")
    assert (await bob.hears()).rooms("invite") == {}
    assert room in (await bob.sync()).rooms("invite")


async def test_an_invitation_to_a_room_that_changes_meanwhile_is_not_repeated(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    await bob.hears()
    await alice.sets(room, "m.room.name", {"name": "Tea"})
    assert room not in (await bob.hears()).rooms("invite")
    shown = (await bob.sync()).stripped(room)
    assert find(shown, "m.room.name")["content"] == {"name": "Tea"}


async def test_being_invited_again_after_leaving_is_an_invitation(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.leaves(room)
    await bob.hears()
    await alice.invites(room, bob)
    news = await bob.hears()
    assert room in news.rooms("invite")
    assert room not in news.rooms("leave")


async def test_invited_and_joined_between_two_syncs_is_joined(alice: Person, bob: Person) -> None:
    room = await alice.creates(name="Tea")
    await bob.hears()
    await alice.invites(room, bob)
    await bob.joins(room)
    news = await bob.hears()
    assert room in news.rooms() and news.rooms("invite") == {}
    whole = [*news.state(room), *news.timeline(room)]
    assert {("m.room.create", ""), ("m.room.name", "")} <= keys(whole)


async def test_a_receipt_for_a_whole_room_wins_over_one_for_a_thread(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await bob.reads(room, message, thread="main")
    await bob.reads(room, message)
    assert (message, "m.read", bob.user_id, None) in (await alice.sync()).receipts(room)


async def test_relations_are_read_on_from_a_sync_token(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "vote!")
    early = [await alice.reacts(room, message, str(i)) for i in range(3)]
    token = (await bob.sync()).token
    late = [await alice.reacts(room, message, str(i)) for i in range(3, 6)]
    before = await bob.relations(room, message, **{"from": token})
    assert ids(before["chunk"]) == early[::-1]
    after = await bob.relations(room, message, dir="f", **{"from": token})
    assert ids(after["chunk"]) == late


async def test_a_tombstone_is_news_like_any_other(alice: Person, bob: Person) -> None:
    room, new = await alice.opens(bob), await alice.opens()
    await bob.hears()
    content = {"body": "moved", "replacement_room": new}
    await alice.sets(room, "m.room.tombstone", content)
    assert find((await bob.hears()).timeline(room), "m.room.tombstone")["content"] == content


async def test_a_restart_loses_and_repeats_nothing(server: Server, alice: Person) -> None:
    """With an own server, since the others would notice."""
    town = await Server(server.data / alice.localpart, **own_database(server)).start()
    try:
        carol, dave = await town.register("carol"), await town.register("dave")
        room = await carol.creates(dave, name="Tea")
        await carol.says(room, "one")
        since = (await dave.sync()).token
        await carol.says(room, "two", txn="t2")
        await town.restart()
        for person in (carol, dave):
            person.http = town.http
        await carol.says(room, "two", txn="t2")
        await carol.says(room, "three")
        assert (await dave.sync(since)).texts(room) == ["two", "three"]
        assert (await dave.sync()).texts(room) == ["one", "two", "three"]
        assert (await dave.sync()).counts(room) == (3, 0)
    finally:
        await town.stop()


def own_database(server: Server) -> dict[str, str]:
    """Beside `server`, on SQLite: two processes of ours could share one PostgreSQL."""
    return {"database": ""}
