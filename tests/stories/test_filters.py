"""What a device does not want to hear of.

spec: client-server-api/#filtering
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find, keys


async def stored(person: Person, filter: dict[str, Any]) -> str:
    path = f"/user/{part(person.user_id)}/filter"
    return str((await person.post(path, filter))["filter_id"])


async def test_a_filter_is_kept_and_used_by_its_id(alice: Person) -> None:
    room = await alice.creates()
    for i in range(4):
        await alice.says(room, str(i))
    filter = {"room": {"timeline": {"limit": 2}}}
    filter_id = await stored(alice, filter)
    assert not filter_id.startswith("{")
    path = f"/user/{part(alice.user_id)}/filter/{filter_id}"
    assert (await alice.get(path)).body == filter
    assert (await alice.sync(filter=filter_id)).texts(room) == ["2", "3"]


async def test_filters_are_their_owners_only(alice: Person, bob: Person) -> None:
    filter_id = await stored(alice, {"room": {"timeline": {"limit": 2}}})
    with refused(403, "M_FORBIDDEN"):
        await bob.get(f"/user/{part(alice.user_id)}/filter/{filter_id}")
    with refused(403, "M_FORBIDDEN"):
        await bob.post(f"/user/{part(alice.user_id)}/filter", {})


async def test_an_unknown_filter_is_not_found(alice: Person) -> None:
    with refused(404, "M_NOT_FOUND"):
        await alice.get(f"/user/{part(alice.user_id)}/filter/999")
    answer = await alice.call("GET", "/sync?filter=999")
    assert answer.status in (400, 404), answer


@pytest.mark.parametrize(
    "filter",
    [
        {"room": "tea"},
        {"room": {"timeline": {"limit": "many"}}},
        {"room": {"state": {"types": "m.room.name"}}},
        {"presence": {"senders": {}}},
        {"event_fields": {}},
    ],
)
async def test_a_malformed_filter_is_refused(alice: Person, filter: dict[str, Any]) -> None:
    answer = await alice.call("POST", f"/user/{part(alice.user_id)}/filter", filter)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer
    with refused(400, "M_BAD_JSON"):
        await alice.sync(filter=filter)


async def test_types_choose_what_comes(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    await alice.says(room, "hello")
    await alice.sends(room, "org.example.ping", {})

    async def kinds(**timeline: Any) -> set[str]:
        news = await alice.sync(filter={"room": {"timeline": timeline}})
        return {event["type"] for event in news.timeline(room)}

    assert await kinds(types=["m.room.message"]) == {"m.room.message"}
    assert await kinds(types=["org.example.*"]) == {"org.example.ping"}
    assert "m.room.message" not in await kinds(not_types=["m.room.m*"])
    assert await kinds(types=[]) == set()
    assert await kinds(types=["*"], not_types=["m.*"]) == {"org.example.ping"}


async def test_state_has_a_filter_of_its_own(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    for i in range(3):
        await alice.says(room, str(i))
    filter = {"room": {"state": {"types": ["m.room.name"]}, "timeline": {"limit": 1}}}
    news = await alice.sync(filter=filter)
    assert keys(news.state(room)) == {("m.room.name", "")}
    assert news.texts(room) == ["2"]


async def test_senders_choose_what_comes(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "from alice")
    await bob.says(room, "from bob")
    for wanted, heard in (
        ({"senders": [bob.user_id]}, ["from bob"]),
        ({"not_senders": [bob.user_id]}, ["from alice"]),
        ({"senders": [bob.user_id], "not_senders": [bob.user_id]}, []),
    ):
        assert (await alice.sync(filter={"room": {"timeline": wanted}})).texts(room) == heard


async def test_rooms_are_chosen_for_everything_or_for_a_part(alice: Person) -> None:
    one, two = await alice.creates(), await alice.creates()
    for room in (one, two):
        await alice.says(room, "hello")
    assert set((await alice.sync(filter={"room": {"rooms": [one]}})).rooms()) == {one}
    assert set((await alice.sync(filter={"room": {"not_rooms": [one]}})).rooms()) == {two}
    assert (await alice.sync(filter={"room": {"rooms": []}})).rooms() == {}
    news = await alice.sync(filter={"room": {"timeline": {"not_rooms": [one]}}})
    assert (news.texts(one), news.texts(two)) == ([], ["hello"])


async def test_a_filter_that_takes_little_looks_further_back(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    for i in range(3):
        await bob.says(room, f"bob {i}")
    for i in range(30):
        await alice.says(room, str(i))
    filter = {"room": {"timeline": {"senders": [bob.user_id], "limit": 2}}}
    news = await alice.sync(filter=filter)
    assert news.texts(room) == ["bob 1", "bob 2"]


async def test_what_is_filtered_out_does_not_wake_or_fill_the_answer(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    filter = {"room": {"timeline": {"types": ["m.room.message"]}}}
    await bob.hears(filter=filter)
    await alice.sends(room, "org.example.ping", {})
    news = await bob.hears(filter=filter)
    assert news.timeline(room) == []


async def test_only_the_wished_fields_come(alice: Person) -> None:
    room = await alice.creates()
    await alice.says(room, "hello", **{"org.example.dots": {"a.b": 1}})
    filter = {"event_fields": ["type", "content.body", "content.org\\.example\\.dots.a\\.b"]}
    events = (await alice.sync(filter=filter)).timeline(room)
    assert events[-1] == {
        "type": "m.room.message",
        "content": {"body": "hello", "org.example.dots": {"a.b": 1}},
    }
    assert {"type"} <= set(events[0]) <= {"type", "content"}


async def test_account_data_presence_and_ephemeral_have_filters_too(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await bob.reads(room, message)
    await bob.types(room)
    await alice.keeps("org.example.a", {"a": 1})
    await alice.keeps("org.example.b", {"b": 1})
    await alice.keeps("org.example.a", {"a": 1}, room)
    nothing = {"types": []}
    filter = {
        "account_data": {"types": ["org.example.a"]},
        "presence": nothing,
        "room": {"ephemeral": {"types": ["m.typing"]}, "account_data": nothing},
    }
    news = await alice.sync(filter=filter)
    assert set(news.account_data()) == {"org.example.a"}
    assert news.presence() == {}
    assert news.account_data(room) == {}
    assert news.typing(room) == [bob.user_id]
    assert news.receipts(room) == []


async def test_relations_choose_what_comes(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    loved = await alice.says(room, "loved")
    await alice.says(room, "plain")
    await bob.reacts(room, loved)
    filter = {"room": {"timeline": {"related_by_senders": [bob.user_id]}}}
    assert (await alice.sync(filter=filter)).texts(room) == ["loved"]


MESSAGES_ONLY = {"room": {"timeline": {"types": ["m.room.message"], "limit": 3}}}


async def test_state_that_the_timeline_does_not_show_comes_as_state(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob, name="Tea")
    await alice.says(room, "1")
    await alice.sets(room, "m.room.topic", {"topic": "between"})
    await alice.says(room, "2")
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.sync(filter=MESSAGES_ONLY)
    assert news.texts(room) == ["1", "2"]
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Coffee"}
    assert find(news.state(room), "m.room.topic")["content"]["topic"] == "between"
    assert {("m.room.create", ""), ("m.room.member", alice.user_id)} <= keys(news.state(room))
    assert len(news.state(room)) == len(keys(news.state(room)))


async def test_new_state_that_the_timeline_does_not_show_comes_as_state(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob, name="Tea")
    await bob.hears(MESSAGES_ONLY)
    await alice.says(room, "1")
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.hears(MESSAGES_ONLY)
    assert news.texts(room) == ["1"]
    assert keys(news.state(room)) == {("m.room.name", "")}
    await alice.sets(room, "m.room.name", {"name": "Milk"})
    news = await bob.hears(MESSAGES_ONLY)
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Milk"}
    await alice.says(room, "2")
    assert (await bob.hears(MESSAGES_ONLY)).state(room) == []


async def test_state_that_the_timeline_shows_is_not_told_twice(alice: Person, bob: Person) -> None:
    filter = {"room": {"timeline": {"types": ["m.room.message", "m.room.name"], "limit": 10}}}
    room = await alice.creates(bob, name="Tea")
    await alice.says(room, "1")
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.hears(filter)
    assert find(news.timeline(room), "m.room.name")["content"] == {"name": "Coffee"}
    assert ("m.room.name", "") not in keys(news.state(room))
    assert ("m.room.create", "") in keys(news.state(room))
    await alice.sets(room, "m.room.name", {"name": "Milk"})
    await alice.sets(room, "m.room.topic", {"topic": "unseen"})
    news = await bob.hears(filter)
    assert keys(news.state(room)) == {("m.room.topic", "")}
    assert keys(news.timeline(room)) == {("m.room.name", "")}


async def test_lazy_members_and_a_filtered_timeline_go_together(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    await alice.says(room, "1")
    filter = {"room": {**MESSAGES_ONLY["room"], "state": {"lazy_load_members": True}}}
    news = await bob.sync(filter=filter)
    assert ("m.room.name", "") in keys(news.state(room))
    members = {key for type, key in keys(news.state(room)) if type == "m.room.member"}
    assert members == {alice.user_id, bob.user_id}


async def test_a_room_without_a_timeline_still_has_its_state(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Tea")
    filter = {"room": {"timeline": {"not_rooms": [room]}}}
    news = await bob.hears(filter)
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Tea"}
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    news = await bob.hears(filter)
    assert keys(news.state(room)) == {("m.room.name", "")} and news.timeline(room) == []
