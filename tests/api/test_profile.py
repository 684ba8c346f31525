"""Profiles over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.api.door import Door, Person

ALICE = "/profile/@alice:example.org"


async def test_a_new_member_is_called_by_their_name(door: Door, alice: Person) -> None:
    assert (await door.stranger.get(ALICE)).body == {"displayname": "alice"}
    assert (await door.stranger.get(f"{ALICE}/displayname")).body == {"displayname": "alice"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("displayname", "爱丽丝"),
        ("avatar_url", "mxc://example.org/SEsfnsuifSDFSSEF"),
        ("m.tz", "Asia/Shanghai"),
        ("org.example.job-title", {"title": "Chief", "since": [2020, None]}),
        ("org.example.nothing", None),
        ("org.example.number", 10**30),
    ],
)
async def test_a_field_is_set_read_and_removed(
    door: Door, alice: Person, field: str, value: Any
) -> None:
    assert (await alice.put(f"{ALICE}/{field}", {field: value})).status == 200
    assert (await door.stranger.get(f"{ALICE}/{field}")).body == {field: value}
    assert (await door.stranger.get(ALICE))[field] == value
    assert (await alice.delete(f"{ALICE}/{field}")).status == 200
    answer = await door.stranger.get(f"{ALICE}/{field}")
    assert (answer.status, answer.code) == (404, "M_NOT_FOUND")
    assert (await alice.delete(f"{ALICE}/{field}")).status == 200


@pytest.mark.parametrize(
    ("field", "body", "code"),
    [
        ("displayname", {"displayname": 5}, "M_BAD_JSON"),
        ("displayname", {"name": "A"}, "M_MISSING_PARAM"),
        ("displayname", {"displayname": "x" * 257}, "M_INVALID_PARAM"),
        ("displayname", {"displayname": "a\0b"}, "M_INVALID_PARAM"),
        ("displayname", [], "M_BAD_JSON"),
        ("avatar_url", {"avatar_url": {}}, "M_BAD_JSON"),
        ("m.tz", {"m.tz": 1}, "M_BAD_JSON"),
        ("Capital.key", {"Capital.key": 1}, "M_INVALID_PARAM"),
        ("nodot", {"nodot": 1}, "M_INVALID_PARAM"),
        ("a." + "b" * 254, {"a." + "b" * 254: 1}, "M_KEY_TOO_LARGE"),
        ("org.example.big", {"org.example.big": "x" * 65_536}, "M_PROFILE_TOO_LARGE"),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    alice: Person, field: str, body: Any, code: str
) -> None:
    answer = await alice.put(f"{ALICE}/{field}", body)
    assert (answer.status, answer.code) == (400, code)


async def test_nobody_changes_somebody_elses_profile(
    door: Door, alice: Person, bob: Person
) -> None:
    answer = await bob.put(f"{ALICE}/displayname", {"displayname": "Fool"})
    assert (answer.status, answer.code) == (403, "M_FORBIDDEN")
    assert (await bob.delete(f"{ALICE}/displayname")).code == "M_FORBIDDEN"
    answer = await door.stranger.put(f"{ALICE}/displayname", {"displayname": "Fool"})
    assert (answer.status, answer.code) == (401, "M_MISSING_TOKEN")
    assert (await bob.get(ALICE)).body == {"displayname": "alice"}


async def test_nobody_has_no_profile(door: Door, alice: Person) -> None:
    assert (await door.stranger.get("/profile/@nobody:example.org")).code == "M_NOT_FOUND"
    assert (await door.stranger.get("/profile/@alice:elsewhere.org")).code == "M_NOT_FOUND"
    assert (await door.stranger.get("/profile/alice")).code == "M_INVALID_PARAM"


async def test_rooms_hear_of_a_new_face_only(door: Door, alice: Person) -> None:
    await alice.put(f"{ALICE}/displayname", {"displayname": "Alice"})
    await alice.put(f"{ALICE}/displayname", {"displayname": "Alice"})
    await alice.put(f"{ALICE}/m.tz", {"m.tz": "Europe/London"})
    assert door.faces_changed == [alice.user_id]
    await alice.put(f"{ALICE}/displayname", {"displayname": ""})
    await alice.delete(f"{ALICE}/displayname")
    assert door.faces_changed == [alice.user_id] * 2


async def test_fields_that_are_set_at_once_all_stay(door: Door, alice: Person) -> None:
    fields = [f"org.example.field{n}" for n in range(10)]
    await asyncio.gather(*(alice.put(f"{ALICE}/{field}", {field: 1}) for field in fields))
    assert set((await door.stranger.get(ALICE)).body) == {"displayname", *fields}
