"""Setting and reading state.

spec: client-server-api/#get_matrixclientv3roomsroomidstate
"""

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find


async def test_state_is_read_back_by_type_and_key(alice: Person) -> None:
    room = await alice.creates()
    await alice.sets(room, "org.example.colour", {"colour": "green"}, "wall")
    await alice.sets(room, "org.example.colour", {"colour": "white"})
    assert await alice.state(room, "org.example.colour", "wall") == {"colour": "green"}
    assert await alice.state(room, "org.example.colour") == {"colour": "white"}
    path = f"/rooms/{part(room)}/state/org.example.colour"
    assert (await alice.get(path)).body == {"colour": "white"}
    assert (await alice.get(path + "/")).body == {"colour": "white"}


async def test_keys_may_hold_any_letters(alice: Person) -> None:
    room = await alice.creates()
    for key in ("a/b", "50%", "名前", "a b", "?x=y", "#", "...", "+", "é\u0301", "🙂"):
        await alice.sets(room, "org.example.colour", {"key": key}, key)
        assert await alice.state(room, "org.example.colour", key) == {"key": key}


async def test_state_that_was_never_set_is_not_found(alice: Person) -> None:
    room = await alice.creates()
    with refused(404, "M_NOT_FOUND"):
        await alice.state(room, "org.example.colour")
    await alice.sets(room, "org.example.colour", {}, "wall")
    with refused(404, "M_NOT_FOUND"):
        await alice.state(room, "org.example.colour")


async def test_a_whole_event_is_given_to_those_who_ask_for_it(alice: Person) -> None:
    room = await alice.creates()
    event_id = await alice.sets(room, "m.room.name", {"name": "Tea"})
    event = (await alice.get(f"/rooms/{part(room)}/state/m.room.name/", format="event")).body
    assert event["event_id"] == event_id
    assert event["room_id"] == room
    assert event["state_key"] == ""
    assert event["content"] == {"name": "Tea"}
    assert event["sender"] == alice.user_id


async def test_the_whole_state_has_every_key_once(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, name="Tea")
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    events = await alice.whole_state(room)
    keys = [(event["type"], event["state_key"]) for event in events]
    assert len(keys) == len(set(keys))
    assert find(events, "m.room.name")["content"] == {"name": "Coffee"}
    assert {key for type, key in keys if type == "m.room.member"} == {alice.user_id, bob.user_id}
    assert all(set(e) >= {"event_id", "origin_server_ts", "room_id", "sender"} for e in events)


async def test_setting_the_same_again_says_nothing_new(alice: Person) -> None:
    room = await alice.creates()
    first = await alice.sets(room, "m.room.name", {"name": "Tea"})
    since = (await alice.sync()).token
    assert await alice.sets(room, "m.room.name", {"name": "Tea"}) == first
    assert (await alice.sync(since)).timeline(room) == []


async def test_new_state_tells_what_it_replaced(alice: Person) -> None:
    room = await alice.creates()
    first = await alice.sets(room, "m.room.name", {"name": "Tea"})
    await alice.sets(room, "m.room.name", {"name": "Coffee"})
    event = (await alice.sync()).timeline(room)[-1]
    assert event["unsigned"]["prev_content"] == {"name": "Tea"}
    assert event["unsigned"]["replaces_state"] == first


async def test_state_is_no_message_and_a_message_no_state(alice: Person) -> None:
    room = await alice.creates()
    await alice.says(room, "hello")
    with refused(404, "M_NOT_FOUND"):
        await alice.state(room, "m.room.message")
    await alice.sends(room, "m.room.topic", {"topic": "said, not set"})
    with refused(404, "M_NOT_FOUND"):
        await alice.state(room, "m.room.topic")


async def test_outsiders_read_and_set_no_state(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    for path in ("state", "state/m.room.create", "state/m.room.create/"):
        with refused(403, "M_FORBIDDEN"):
            await bob.get(f"/rooms/{part(room)}/{path}")
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.name", {"name": "Mine"})


async def test_who_is_invited_does_not_read_the_state_yet(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.whole_state(room)


async def test_who_has_left_reads_the_state_as_it_was(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, name="Before")
    await alice.sets(room, "org.example.a", {"v": 1})
    await bob.leaves(room)
    await alice.sets(room, "m.room.name", {"name": "After"})
    await alice.sets(room, "org.example.b", {"v": 1})
    assert await bob.state(room, "m.room.name") == {"name": "Before"}
    assert await bob.state(room, "org.example.a") == {"v": 1}
    with refused(404, "M_NOT_FOUND"):
        await bob.state(room, "org.example.b")
    events = await bob.whole_state(room)
    assert find(events, "m.room.name")["content"] == {"name": "Before"}
    assert find(events, "m.room.member", bob.user_id)["content"]["membership"] == "leave"
    assert "org.example.b" not in {event["type"] for event in events}


async def test_a_room_is_created_only_once(alice: Person) -> None:
    room = await alice.creates()
    with refused(403, "M_FORBIDDEN"):
        await alice.sets(room, "m.room.create", {"room_version": "11"})


async def test_a_canonical_alias_must_lead_to_the_room(alice: Person) -> None:
    room, other = await alice.creates(), await alice.creates()
    alias = f"#{alice.localpart}-a:{alice.server_name}"
    with refused(400, "M_BAD_ALIAS"):
        await alice.sets(room, "m.room.canonical_alias", {"alias": alias})
    await alice.put(f"/directory/room/{part(alias)}", {"room_id": other})
    with refused(400, "M_BAD_ALIAS"):
        await alice.sets(room, "m.room.canonical_alias", {"alias": alias})
    with refused(400, "M_BAD_ALIAS"):
        await alice.sets(room, "m.room.canonical_alias", {"alt_aliases": [alias]})
    await alice.sets(other, "m.room.canonical_alias", {"alias": alias, "alt_aliases": [alias]})
    answer = await alice.call(
        "PUT", f"/rooms/{part(other)}/state/m.room.canonical_alias/", {"alias": "not an alias"}
    )
    assert (answer.status, answer.code) == (400, "M_INVALID_PARAM"), answer


async def test_a_content_must_be_an_object(alice: Person) -> None:
    room = await alice.creates()
    for raw in (b"[]", b'"x"', b"1", b"null", b"true"):
        answer = await alice.call("PUT", f"/rooms/{part(room)}/state/m.room.name/", raw=raw)
        assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer
