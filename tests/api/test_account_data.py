"""What people keep for themselves, tags and filters, over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Person
from tests.people.parts import People

ALICE = "/user/@alice:example.org"
ROOM = f"{ALICE}/rooms/!r:example.org"
PLACES = pytest.mark.parametrize("place", [ALICE, ROOM])


@PLACES
async def test_what_is_kept_is_given_back(alice: Person, place: str) -> None:
    path = f"{place}/account_data/org.example.notes"
    answer = await alice.get(path)
    assert (answer.status, answer.code) == (404, "M_NOT_FOUND")
    for content in ({"a": ["é", 1.5, None]}, {"b": {}}, {}):
        assert (await alice.put(path, content)).body == {}
        assert (await alice.get(path)).body == content


async def test_rooms_are_kept_apart(alice: Person) -> None:
    for n, place in enumerate((ALICE, ROOM, f"{ALICE}/rooms/!other:example.org")):
        await alice.put(f"{place}/account_data/m.example", {"n": n})
    assert (await alice.get(f"{ALICE}/account_data/m.example")).body == {"n": 0}
    assert (await alice.get(f"{ROOM}/account_data/m.example")).body == {"n": 1}


@PLACES
@pytest.mark.parametrize("type", ["m.fully_read", "m.push_rules"])
async def test_what_the_server_controls_cannot_be_put(alice: Person, place: str, type: str) -> None:
    answer = await alice.put(f"{place}/account_data/{type}", {})
    assert (answer.status, answer.code) == (405, "M_BAD_JSON")


async def test_push_rules_are_shown_as_they_are_put_together(alice: Person) -> None:
    assert (await alice.get(f"{ALICE}/account_data/m.push_rules")).body == {"global": {}}


@pytest.mark.parametrize(
    "path",
    [
        "account_data/m.example",
        "rooms/!r:example.org/account_data/m.example",
        "rooms/!r:example.org/tags",
        "rooms/!r:example.org/tags/m.favourite",
        "filter/abc",
    ],
)
async def test_nobody_sees_or_changes_what_others_keep(bob: Person, path: str) -> None:
    answers = [await bob.get(f"{ALICE}/{path}"), await bob.put(f"{ALICE}/{path}", {})]
    assert {(answer.status, answer.code) for answer in answers} <= {
        (403, "M_FORBIDDEN"),
        (405, "M_UNRECOGNIZED"),
        (404, "M_UNRECOGNIZED"),
    }
    assert (answers[0].status, answers[0].code) in {(403, "M_FORBIDDEN"), (405, "M_UNRECOGNIZED")}


@PLACES
@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "M_NOT_JSON"),
        (b"", 400, "M_NOT_JSON"),
        (b"[1]", 400, "M_BAD_JSON"),
        (b'"text"', 400, "M_BAD_JSON"),
        (b'{"a":"\x81"}', 400, "M_NOT_JSON"),
        (b'{"a":"\\ud800"}', 400, "M_NOT_JSON"),
        (b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, "M_BAD_JSON"),
        (b'{"a":"' + b"x" * 300_000 + b'"}', 413, "M_TOO_LARGE"),
    ],
)
async def test_what_is_no_object_is_refused(
    alice: Person, place: str, raw: bytes, status: int, code: str
) -> None:
    answer = await alice.call("PUT", f"{place}/account_data/m.example", raw=raw)
    assert (answer.status, answer.code) == (status, code)


async def test_a_room_id_has_to_be_one(alice: Person) -> None:
    for method, path in (("GET", "account_data/x"), ("PUT", "account_data/x"), ("GET", "tags")):
        answer = await alice.call(method, f"{ALICE}/rooms/@notaroom:example.org/{path}", {})
        assert (answer.status, answer.code) == (400, "M_INVALID_PARAM")


# Tags


async def test_tags_come_and_go(alice: Person) -> None:
    assert (await alice.get(f"{ROOM}/tags")).body == {"tags": {}}
    await alice.put(f"{ROOM}/tags/m.favourite", {"order": 0.25})
    await alice.put(f"{ROOM}/tags/u.Work", {})
    tags = {"m.favourite": {"order": 0.25}, "u.Work": {}}
    assert (await alice.get(f"{ROOM}/tags")).body == {"tags": tags}
    assert (await alice.get(f"{ROOM}/account_data/m.tag")).body == {"tags": tags}
    assert (await alice.delete(f"{ROOM}/tags/m.favourite")).status == 200
    assert (await alice.delete(f"{ROOM}/tags/m.favourite")).status == 200
    assert (await alice.get(f"{ROOM}/tags")).body == {"tags": {"u.Work": {}}}


async def test_tags_set_at_once_all_stay(alice: Person) -> None:
    await asyncio.gather(*(alice.put(f"{ROOM}/tags/u.{n}", {}) for n in range(20)))
    assert len((await alice.get(f"{ROOM}/tags"))["tags"]) == 20


@pytest.mark.parametrize(
    ("tag", "body", "code"),
    [
        ("u.x", {"order": "first"}, "M_BAD_JSON"),
        ("u.x", [], "M_BAD_JSON"),
        ("u." + "x" * 254, {}, "M_INVALID_PARAM"),
    ],
)
async def test_odd_tags_are_refused(alice: Person, tag: str, body: Any, code: str) -> None:
    answer = await alice.put(f"{ROOM}/tags/{tag}", body)
    assert (answer.status, answer.code) == (400, code)


async def test_tags_that_a_client_wrote_oddly_do_no_harm(alice: Person) -> None:
    await alice.put(f"{ROOM}/account_data/m.tag", {"tags": {"u.a": "odd", "u.b": {}}})
    await alice.put(f"{ROOM}/tags/u.c", {})
    assert (await alice.get(f"{ROOM}/tags")).body == {"tags": {"u.b": {}, "u.c": {}}}


@pytest.mark.parametrize("content", [{"ignored_users": 5}, {}, {"ignored_users": {}}])
async def test_an_odd_list_of_ignored_users_ignores_nobody(
    people: People, alice: Person, content: Any
) -> None:
    await alice.put(f"{ALICE}/account_data/m.ignored_user_list", content)
    assert await people.preferences.ignored(alice.user_id) == frozenset()


# Filters


async def test_a_filter_is_kept(alice: Person) -> None:
    content = {"room": {"timeline": {"limit": 10}}, "event_fields": ["type"], "odd": 1}
    filter_id = (await alice.post(f"{ALICE}/filter", content))["filter_id"]
    assert isinstance(filter_id, str) and not filter_id.startswith("{")
    assert (await alice.get(f"{ALICE}/filter/{filter_id}")).body == content
    assert (await alice.post(f"{ALICE}/filter", content))["filter_id"] == filter_id
    assert (await alice.get(f"{ALICE}/filter/unknown")).code == "M_NOT_FOUND"


async def test_filters_of_others_are_unknown(alice: Person, bob: Person) -> None:
    filter_id = (await alice.post(f"{ALICE}/filter", {}))["filter_id"]
    assert (await bob.post(f"{ALICE}/filter", {})).code == "M_FORBIDDEN"
    answer = await bob.get(f"/user/{bob.user_id}/filter/{filter_id}")
    assert (answer.status, answer.code) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"presence": "not_an_object"},
        {"room": {"timeline": "not_an_object"}},
        {"room": {"timeline": {"rooms": "not_a_list"}}},
        {"room": {"timeline": {"not_rooms": "not_a_list"}}},
        {"room": {"timeline": {"rooms": ["not_a_room_id"]}}},
        {"room": {"timeline": {"senders": ["not_a_sender_id"]}}},
        {"room": {"rooms": ["not_a_room_id"]}},
        {"event_format": "carrier_pigeon"},
        {"room": {"state": {"lazy_load_members": "perhaps"}}},
    ],
)
async def test_an_odd_filter_is_refused(alice: Person, content: Any) -> None:
    answer = await alice.post(f"{ALICE}/filter", content)
    assert (answer.status, answer.code) == (400, "M_BAD_JSON")
