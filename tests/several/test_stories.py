"""What is done at one server is known at the other, by a word and not by looking."""

import asyncio

import pytest

from qingxin.store import line
from tests.several.pair import Pair, until
from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find

LONG = 60_000  # ms; who waits so long has missed the word


@pytest.fixture(autouse=True, params=[line.MOST_TO_CATCH_UP, 0], ids=["near", "far"])
def distance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each story is told twice; in the second a server that is behind starts afresh."""
    monkeypatch.setattr(line, "MOST_TO_CATCH_UP", request.param)


async def test_a_message_reaches_whoever_waits_at_the_other_server(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await alice.says(room, "across")
    assert (await waiting).texts(room) == ["across"]


async def test_a_device_that_goes_back_and_forth_hears_everything_once(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    since = (await bob.sync()).token
    bobs = [pair.at_left(bob), pair.at_right(bob)]
    heard: list[str] = []
    said = [f"{n}" for n in range(40)]

    async def talk() -> None:
        for text in said:
            await alice.says(room, text)

    talking = asyncio.create_task(talk())
    while len(heard) < len(said):
        bobs.reverse()
        news = await bobs[0].sync(
            since, filter={"room": {"timeline": {"limit": 100}}}, timeout=LONG
        )
        heard += news.texts(room)
        since = news.token
    await talking
    assert heard == said


async def test_the_same_transaction_at_both_servers_is_one_event(pair: Pair, alice: Person) -> None:
    room = await alice.creates()
    both = [pair.at_left(alice), pair.at_right(alice)]
    for n in range(10):
        first, second = await asyncio.gather(*(a.says(room, f"{n}", txn=f"t{n}") for a in both))
        assert first == second
    assert await alice.timeline(room) == [f"{n}" for n in range(10)]


async def test_whoever_is_removed_at_one_server_is_silent_at_the_other(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.says(room, "still here")
    await alice.kicks(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "and now?")


async def test_whoever_joins_at_one_server_speaks_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.opens()
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "let me in")
    await pair.at_left(bob).joins(room)
    await bob.says(room, "here I am")
    await pair.agrees()
    assert await alice.timeline(room) == ["here I am"]


async def test_power_given_at_one_server_counts_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.topic", {"topic": "cake"})
    await alice.promotes(room, bob, 50)
    await bob.sets(room, "m.room.topic", {"topic": "cake"})
    await pair.agrees()
    assert await alice.state(room, "m.room.topic") == {"topic": "cake"}


async def test_a_room_made_at_one_server_is_there_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    await bob.hears()
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    room = await alice.creates(invite=[bob.user_id])
    assert list((await waiting).rooms("invite")) == [room]
    await bob.joins(room)
    await pair.agrees()
    assert set((await alice.members(room)).values()) == {"join"}


async def test_receipts_reach_the_other_server(pair: Pair, alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    event_id = await alice.says(room)
    await pair.agrees()
    await alice.hears()
    waiting = asyncio.create_task(alice.hears(timeout=LONG))
    await bob.reads(room, event_id)
    assert (await waiting).receipts(room) == [(event_id, "m.read", bob.user_id, None)]


async def test_what_is_read_at_one_server_is_not_unread_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    event_id = await alice.says(room)
    await pair.agrees()
    assert (await bob.hears()).counts(room) == (1, 0)
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await pair.at_left(bob).reads(room, event_id, "m.read.private")
    assert (await waiting).counts(room) == (0, 0)


async def test_account_data_reaches_the_other_server(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await pair.at_left(bob).keeps("org.example.colour", {"is": "blue"})
    assert (await waiting).account_data() == {"org.example.colour": {"is": "blue"}}
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await pair.at_left(bob).keeps("org.example.place", {"at": "home"}, room=room)
    assert (await waiting).account_data(room) == {"org.example.place": {"at": "home"}}


async def test_whoever_is_ignored_at_one_server_is_not_heard_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    await pair.at_left(bob).ignores(alice)
    assert "m.ignored_user_list" in (await bob.hears(timeout=LONG)).account_data()
    await alice.says(room, "psst")
    await alice.sets(room, "m.room.topic", {"topic": "ignored"})
    await pair.agrees()
    news = await bob.hears()
    assert [event["type"] for event in news.timeline(room)] == ["m.room.topic"]


async def test_push_rules_changed_at_one_server_count_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "one")
    await pair.agrees()
    assert (await bob.hears()).counts(room) == (1, 0)
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    mute = {"conditions": [{"kind": "event_match", "key": "room_id", "pattern": room}]}
    path = f"/pushrules/global/override/{part(room)}"
    await pair.at_left(bob).put(path, {**mute, "actions": []})
    assert "m.push_rules" in (await waiting).account_data()
    await alice.says(room, "two")
    await pair.agrees()
    assert (await bob.hears()).counts(room) == (0, 0)


async def test_a_profile_changed_at_one_server_is_shown_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    path = f"/profile/{part(alice.user_id)}/displayname"
    assert (await bob.get(path))["displayname"] == alice.localpart
    room = await alice.creates(bob)
    await bob.hears()
    await alice.is_called("Alice Liddell")
    while not (news := await bob.hears(timeout=LONG)).timeline(room):
        pass
    assert find(news.timeline(room), "m.room.member", alice.user_id)["content"]["displayname"] == (
        "Alice Liddell"
    )
    assert (await bob.get(path))["displayname"] == "Alice Liddell"


async def test_who_types_at_one_server_is_seen_at_the_other(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await alice.types(room)
    assert (await waiting).typing(room) == [alice.user_id]
    waiting = asyncio.create_task(bob.hears(timeout=LONG))
    await alice.types(room, False)
    assert (await waiting).typing(room) == []


async def test_who_is_here_at_one_server_is_seen_at_the_other(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    quiet = {"room": {"rooms": []}, "account_data": {"not_types": ["*"]}}
    await bob.hears(quiet)
    waiting = asyncio.create_task(bob.hears(quiet, timeout=LONG))
    presence = {"presence": "unavailable", "status_msg": "at lunch"}
    await alice.put(f"/presence/{part(alice.user_id)}/status", presence)
    seen = (await waiting).presence()[alice.user_id]
    assert (seen["presence"], seen["status_msg"]) == ("unavailable", "at lunch")
    assert room in await bob.joined_rooms()


async def test_a_newcomer_sees_who_is_here_at_the_other_server(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.opens()
    await pair.agrees()
    await bob.hears()
    await alice.hears()
    presence = pair.right.app.presence
    await until(lambda: presence.of(alice.user_id).state == "online")
    await bob.joins(room)
    assert alice.user_id in (await bob.hears()).presence()


async def test_a_token_ended_at_one_server_is_void_at_the_other(pair: Pair, alice: Person) -> None:
    elsewhere = pair.at_right(alice)
    await elsewhere.get("/account/whoami")
    await alice.post("/logout")
    await pair.agrees()
    with refused(401, "M_UNKNOWN_TOKEN"):
        await elsewhere.get("/account/whoami")


async def test_an_account_locked_at_one_server_is_locked_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    await bob.get("/account/whoami")
    accounts, sessions = pair.left.app.accounts, pair.left.app.sessions
    await accounts.mark(alice.user_id, moderator=True)
    sessions.changed(alice.user_id)
    await alice.put(f"/_matrix/client/v1/admin/lock/{part(bob.user_id)}", {"locked": True})
    while (answer := await bob.call("GET", "/account/whoami")).status == 200:
        await asyncio.sleep(0.01)
    assert answer.code == "M_USER_LOCKED"


async def test_what_is_taken_back_at_one_server_is_gone_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    said = await bob.says(room, "too much")
    await alice.promotes(room, bob, 50)
    topic = await bob.sets(room, "m.room.topic", {"topic": "secret"})
    await bob.hears()
    await pair.agrees()
    await alice.redacts(room, said)
    await alice.redacts(room, topic)
    await pair.agrees()
    again = await bob.sync(filter={"room": {"timeline": {"limit": 100}}})
    contents = {event["event_id"]: event["content"] for event in again.timeline(room)}
    assert contents[said] == {}
    assert contents[topic] == {}
    assert await bob.state(room, "m.room.topic") == {}


async def test_answers_at_one_server_are_counted_at_the_other(
    pair: Pair, alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    root = await bob.says(room, "cake?")
    await bob.hears()
    await pair.agrees()
    await alice.answers_in_thread(room, root, "yes")
    await pair.agrees()
    (found,) = [event for event in (await bob.sync()).timeline(room) if event["event_id"] == root]
    assert found["unsigned"]["m.relations"]["m.thread"]["count"] == 1
