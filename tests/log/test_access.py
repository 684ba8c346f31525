"""The authorisation rules as a table: who, in which room, may say what."""

from typing import Any

import msgspec
import pytest

from qingxin.errors import BadJson, Forbidden
from qingxin.log import access
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.log.state import RoomState
from qingxin.log.versions import VERSIONS

ROOM = "!room:example.org"
ALICE, BOB, CAROL, DAVE = (f"@{name}:example.org" for name in ("alice", "bob", "carol", "dave"))
LEVELS = {"users": {ALICE: 100, BOB: 50}, "ban": 50, "kick": 50, "invite": 0, "state_default": 50}


def event(sender: str, type: str, state_key: str, content: dict[str, Any]) -> Event:
    return Event(
        0, 1, ROOM, "$e", type, state_key, sender, 0, msgspec.json.encode(content), b"",
        None, None, None, None, None, 0, None, None,
    )  # fmt: skip


def room(
    version: str = "11",
    rule: str = "invite",
    members: dict[str, str] | None = None,
    levels: dict[str, Any] | None = LEVELS,
    create: dict[str, Any] | None = None,
) -> RoomState:
    """Alice's room; Bob is a moderator, Carol a member, Dave whatever `members` says."""
    state = RoomState(ROOM, VERSIONS[version])
    state.events["m.room.create", ""] = event(ALICE, "m.room.create", "", create or {})
    state.events["m.room.join_rules", ""] = event(
        ALICE, "m.room.join_rules", "", {"join_rule": rule}
    )
    if levels is not None:
        state.events["m.room.power_levels", ""] = event(ALICE, "m.room.power_levels", "", levels)
    there = {ALICE: "join", BOB: "join", CAROL: "join", **(members or {})}
    for user_id, membership in there.items():
        state.members[user_id] = event(user_id, MEMBER, user_id, {"membership": membership})
    return state


def moves(sender: str, target: str, membership: Any, **content: Any) -> Draft:
    return Draft(
        room_id=ROOM, sender=sender, type=MEMBER, state_key=target,
        content={"membership": membership, **content},
    )  # fmt: skip


def sets(sender: str, type: str, content: dict[str, Any], state_key: str = "") -> Draft:
    return Draft(room_id=ROOM, sender=sender, type=type, state_key=state_key, content=content)


def says(sender: str) -> Draft:
    return Draft(room_id=ROOM, sender=sender, type="m.room.message", content={"body": "hi"})


ALLOWED = [
    ("a member speaks", room(), says(CAROL)),
    ("anybody joins a public room", room(rule="public"), moves(DAVE, DAVE, "join")),
    ("the invited join", room(members={DAVE: "invite"}), moves(DAVE, DAVE, "join")),
    ("a member changes their face", room(), moves(CAROL, CAROL, "join", displayname="C")),
    ("a member invites", room(), moves(CAROL, DAVE, "invite")),
    ("the invited decline", room(members={DAVE: "invite"}), moves(DAVE, DAVE, "leave")),
    ("a moderator removes", room(), moves(BOB, CAROL, "leave")),
    ("a moderator bans", room(), moves(BOB, CAROL, "ban")),
    ("a moderator unbans", room(members={DAVE: "ban"}), moves(BOB, DAVE, "leave")),
    ("one knocks where that is wanted", room(rule="knock"), moves(DAVE, DAVE, "knock")),
    (
        "a neighbour is vouched for",
        room(rule="restricted"),
        moves(DAVE, DAVE, "join", join_authorised_via_users_server=CAROL),
    ),
    ("a moderator names the room", room(), sets(BOB, "m.room.name", {"name": "x"})),
    ("state of one's own", room(levels={"state_default": 0}), sets(CAROL, "x.own", {}, CAROL)),
    (
        "the owner makes a moderator",
        room(),
        sets(ALICE, "m.room.power_levels", LEVELS | {"users": {ALICE: 100, CAROL: 50}}),
    ),
    (
        "a creator of version 12 stands above all levels",
        room("12", levels={"ban": 100}),
        moves(ALICE, CAROL, "ban"),
    ),
    (
        "a further creator of version 12 too",
        room("12", levels={}, create={"additional_creators": [CAROL]}),
        sets(CAROL, "m.room.name", {"name": "x"}),
    ),
    (
        "old rooms take levels as text",
        room("9", levels={"users": {ALICE: "100"}, "state_default": "50"}),
        sets(ALICE, "m.room.name", {"name": "x"}),
    ),
]
FORBIDDEN = [
    ("strangers do not speak", room(), says(DAVE)),
    ("the invited do not speak yet", room(members={DAVE: "invite"}), says(DAVE)),
    ("one does not join uninvited", room(), moves(DAVE, DAVE, "join")),
    (
        "the banned do not join",
        room(rule="public", members={DAVE: "ban"}),
        moves(DAVE, DAVE, "join"),
    ),
    ("nobody joins for another", room(rule="public"), moves(CAROL, DAVE, "join")),
    ("strangers do not invite", room(), moves(DAVE, "@eve:example.org", "invite")),
    ("members are not invited again", room(), moves(BOB, CAROL, "invite")),
    ("the banned are not invited", room(members={DAVE: "ban"}), moves(BOB, DAVE, "invite")),
    ("a member removes nobody", room(), moves(CAROL, BOB, "leave")),
    ("a moderator does not remove the owner", room(), moves(BOB, ALICE, "leave")),
    (
        "equals do not remove each other",
        room(levels={"users": {BOB: 50, CAROL: 50}}),
        moves(BOB, CAROL, "leave"),
    ),
    ("who is not there cannot leave", room(), moves(DAVE, DAVE, "leave")),
    ("one does not knock at a closed door", room(), moves(DAVE, DAVE, "knock")),
    ("version 6 knows no knocking", room("6", rule="knock"), moves(DAVE, DAVE, "knock")),
    ("a neighbour needs somebody who vouches", room(rule="restricted"), moves(DAVE, DAVE, "join")),
    (
        "who vouches must be inside",
        room(rule="restricted"),
        moves(DAVE, DAVE, "join", join_authorised_via_users_server="@eve:example.org"),
    ),
    ("members do not name the room", room(), sets(CAROL, "m.room.name", {"name": "x"})),
    ("state of another", room(levels={"state_default": 0}), sets(CAROL, "x.own", {}, BOB)),
    (
        "nobody raises anybody above themselves",
        room(),
        sets(BOB, "m.room.power_levels", LEVELS | {"users": {ALICE: 100, BOB: 50, CAROL: 75}}),
    ),
    (
        "equals do not lower each other",
        room(levels=LEVELS | {"users": {BOB: 50, CAROL: 50}}),
        sets(BOB, "m.room.power_levels", LEVELS | {"users": {BOB: 50, CAROL: 0}}),
    ),
    ("a room is created once", room(), sets(ALICE, "m.room.create", {})),
]
ILL_FORMED = [
    ("a membership of no kind", room(), moves(CAROL, CAROL, "guest")),
    ("a membership that is no text", room(), moves(CAROL, CAROL, ["join"])),
    ("a member who is no user", room(), moves(CAROL, "carol", "invite")),
    ("a level as text", room(), sets(ALICE, "m.room.power_levels", {"ban": "50"})),
    ("a level beyond all bounds", room(), sets(ALICE, "m.room.power_levels", {"ban": 2**60})),
    ("users that are no object", room(), sets(ALICE, "m.room.power_levels", {"users": []})),
    (
        "a limit for a creator of version 12",
        room("12"),
        sets(ALICE, "m.room.power_levels", {"users": {ALICE: 100}}),
    ),
]


@pytest.mark.parametrize(("state", "draft"), [c[1:] for c in ALLOWED], ids=[c[0] for c in ALLOWED])
def test_it_is_allowed_that(state: RoomState, draft: Draft) -> None:
    access.check(state, draft)


@pytest.mark.parametrize(
    ("state", "draft"), [c[1:] for c in FORBIDDEN], ids=[c[0] for c in FORBIDDEN]
)
def test_it_is_forbidden_since(state: RoomState, draft: Draft) -> None:
    with pytest.raises(Forbidden):
        access.check(state, draft)


@pytest.mark.parametrize(
    ("state", "draft"), [c[1:] for c in ILL_FORMED], ids=[c[0] for c in ILL_FORMED]
)
def test_it_is_refused_as_ill_formed(state: RoomState, draft: Draft) -> None:
    with pytest.raises(BadJson):
        access.check(state, draft)
