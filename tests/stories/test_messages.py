"""Saying things, and what a transaction id is for.

spec: client-server-api/#sending-events-to-a-room
"""

import asyncio
import json

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part


async def test_what_one_member_says_the_others_hear(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "hello")
    assert await bob.timeline(room) == ["hello"]
    assert (await bob.sync()).texts(room) == ["hello"]


async def test_an_event_has_everything_a_client_needs(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    event_id = await alice.says(room, "hello")
    event = await bob.event(room, event_id)
    assert event["event_id"] == event_id
    assert event["room_id"] == room
    assert event["sender"] == alice.user_id
    assert event["type"] == "m.room.message"
    assert event["content"] == {"msgtype": "m.text", "body": "hello"}
    assert isinstance(event["origin_server_ts"], int)
    assert event["unsigned"]["age"] >= 0
    assert "transaction_id" not in event["unsigned"]
    assert "state_key" not in event


async def test_any_type_and_content_is_carried_unchanged(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    content = {
        "org.example.deep": {"a": [1, {"b": None}, True, -(2**53) + 1, 2**53 - 1, ""]},
        "dots.and spaces": 'Grüße, 你好, 🙂, \u2028, "quoted" and \\',
    }
    event_id = await alice.sends(room, "org.example/slash and space", content)
    event = await bob.event(room, event_id)
    assert event["content"] == content
    assert event["type"] == "org.example/slash and space"


async def test_the_same_transaction_is_said_once(alice: Person) -> None:
    room = await alice.creates()
    first = await alice.says(room, "hello", txn="t1")
    assert await alice.says(room, "hello", txn="t1") == first
    assert await alice.says(room, "something else", txn="t1") == first
    assert await alice.timeline(room) == ["hello"]


async def test_one_transaction_sent_many_times_at_once_is_said_once(alice: Person) -> None:
    room = await alice.creates()
    ids = await asyncio.gather(*(alice.says(room, "hello", txn="t1") for _ in range(10)))
    assert len(set(ids)) == 1
    assert await alice.timeline(room) == ["hello"]


async def test_transactions_of_other_rooms_types_devices_and_people_are_others(
    alice: Person, bob: Person
) -> None:
    room, other = await alice.creates(bob), await alice.creates(bob)
    phone = await alice.on_another_device()
    ids = {
        await alice.says(room, "a", txn="t"),
        await alice.says(other, "b", txn="t"),
        await alice.sends(room, "org.example.other", {}, txn="t"),
        await phone.says(room, "c", txn="t"),
        await bob.says(room, "d", txn="t"),
    }
    assert len(ids) == 5


async def test_a_transaction_is_known_after_signing_in_to_the_same_device(
    alice: Person,
) -> None:
    room = await alice.creates()
    first = await alice.says(room, "hello", txn="t1")
    again = await alice.on_another_device(device_id=alice.device_id)
    assert await again.says(room, "hello", txn="t1") == first


async def test_only_the_sending_device_sees_its_transaction_id(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    phone = await alice.on_another_device()
    event_id = await alice.says(room, "hello", txn="t1")
    seen = {}
    for reader in (alice, phone, bob):
        event = (await reader.sync()).timeline(room)[-1]
        assert event["event_id"] == event_id
        seen[reader.device_id] = event["unsigned"].get("transaction_id")
    assert seen == {alice.device_id: "t1", phone.device_id: None, bob.device_id: None}
    assert (await alice.event(room, event_id))["unsigned"]["transaction_id"] == "t1"


async def test_a_redaction_with_the_same_transaction_happens_once(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "oops")
    first = await alice.redacts(room, message, txn="t1")
    assert await alice.redacts(room, message, txn="t1") == first
    page = await alice.messages(room)
    assert [e["type"] for e in page["chunk"]].count("m.room.redaction") == 1


async def test_outsiders_say_nothing(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room)
    await alice.invites(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room)


async def test_a_refused_transaction_may_be_tried_again(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "let me in", txn="t1")
    await bob.joins(room)
    await bob.says(room, "let me in", txn="t1")
    assert await alice.timeline(room) == ["let me in"]


async def test_an_event_has_at_most_65536_bytes(alice: Person) -> None:
    room = await alice.creates()
    await alice.says(room, "x" * 64_000)
    with refused(413, "M_TOO_LARGE"):
        await alice.says(room, "x" * 66_000)
    with refused(413, "M_TOO_LARGE"):
        await alice.sets(room, "m.room.topic", {"topic": "x" * 66_000})


async def test_types_and_keys_have_at_most_255_bytes(alice: Person) -> None:
    room = await alice.creates()
    await alice.sends(room, "x" * 255, {})
    for act in (
        lambda: alice.sends(room, "x" * 256, {}),
        lambda: alice.sends(room, "名" * 86, {}),
        lambda: alice.sets(room, "org.example.a", {}, "x" * 256),
    ):
        answer_code = await _code(act)
        assert answer_code in ("M_TOO_LARGE", "M_BAD_JSON", "M_INVALID_PARAM")


async def _code(act: object) -> str | None:
    from tests.stories.answers import Refused

    try:
        await act()  # type: ignore[operator]
    except Refused as refusal:
        return refusal.answer.code
    return None


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740992", "1.5", "1e300"])
async def test_numbers_that_canonical_json_has_not_are_refused(alice: Person, number: str) -> None:
    room = await alice.creates()
    raw = b'{"msgtype":"m.text","body":"x","n":%s}' % number.encode()
    answer = await alice.call("PUT", f"/rooms/{part(room)}/send/m.room.message/t", raw=raw)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a':1}", b'{"a":1,}', b"\xff\xfe", b'{"a":NaN}'])
async def test_what_is_no_json_is_refused(alice: Person, raw: bytes) -> None:
    room = await alice.creates()
    answer = await alice.call("PUT", f"/rooms/{part(room)}/send/m.room.message/t", raw=raw)
    assert (answer.status, answer.code) == (400, "M_NOT_JSON"), answer


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"1", b"null"])
async def test_a_content_is_an_object(alice: Person, raw: bytes) -> None:
    room = await alice.creates()
    answer = await alice.call("PUT", f"/rooms/{part(room)}/send/m.room.message/t", raw=raw)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer


async def test_order_is_the_same_for_everybody(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol)
    await asyncio.gather(
        *(who.says(room, f"{who.localpart} {i}") for i in range(10) for who in (alice, bob, carol))
    )
    heard = [await who.timeline(room) for who in (alice, bob, carol)]
    assert len(heard[0]) == 30
    assert heard[0] == heard[1] == heard[2]


async def test_what_one_person_says_stays_in_order(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    said = [f"line {i}" for i in range(20)]
    for line in said:
        await alice.says(room, line)
    assert await bob.timeline(room) == said


async def test_a_long_body_of_other_scripts_comes_back_whole(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    text = "清信" * 5000
    event_id = await alice.says(room, text)
    answer = await bob.get(f"/rooms/{part(room)}/event/{part(event_id)}")
    assert json.loads(answer.content)["content"]["body"] == text
