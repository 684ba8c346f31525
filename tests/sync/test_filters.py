"""What a filter takes, as a table, and how fields are picked."""

from typing import Any

import msgspec
import pytest

from qingxin.log.event import Event
from qingxin.sync.filters import RoomEvents, matches, pick

ALICE, ROOM = "@alice:example.org", "!room:example.org"


def event(type: str = "m.room.message", **content: Any) -> Event:
    return Event(
        0, 1, ROOM, "$1", type, None, ALICE, 0, msgspec.json.encode(content), b"",
        None, None, None, None, None, 0, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("filter", "taken"),
    [
        ({}, True),
        ({"types": ["m.room.message"]}, True),
        ({"types": ["m.room.*"]}, True),
        ({"types": ["m.*.message"]}, True),
        ({"types": ["m.room"]}, False),
        ({"types": []}, False),
        ({"not_types": ["m.room.*"]}, False),
        ({"types": ["m.room.message"], "not_types": ["*"]}, False),
        ({"senders": [ALICE]}, True),
        ({"senders": []}, False),
        ({"not_senders": [ALICE]}, False),
        ({"rooms": [ROOM]}, True),
        ({"not_rooms": [ROOM]}, False),
        ({"contains_url": True}, True),
        ({"contains_url": False}, False),
    ],
)
def test_a_filter_takes(filter: dict[str, Any], taken: bool) -> None:
    chosen = msgspec.convert(filter, RoomEvents).chosen([event(url="mxc://example.org/a")])
    assert bool(chosen) is taken


def test_a_star_stands_for_anything_and_a_dot_for_itself() -> None:
    assert matches("m.room.*", "m.room.name")
    assert not matches("m.room.*", "mxroomxname")
    assert matches("*", "")


@pytest.mark.parametrize(
    ("fields", "picked"),
    [
        (["type"], {"type": "t"}),
        (["content.body"], {"content": {"body": "b"}}),
        (["content.a\\.b"], {"content": {"a.b": 1}}),
        (["content.missing", "nothing.at.all"], {"content": {}}),
        (["content", "type"], {"content": {"body": "b", "a.b": 1}, "type": "t"}),
    ],
)
def test_fields_are_picked(fields: list[str], picked: dict[str, Any]) -> None:
    whole = {"type": "t", "content": {"body": "b", "a.b": 1}, "sender": "s"}
    assert pick(whole, fields) == picked
