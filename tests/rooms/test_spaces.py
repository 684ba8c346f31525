"""The rooms of a space, as one person may see them."""

from typing import Any

import pytest

from qingxin.clock import HandClock
from tests.rooms.house import Answer, Guest, ok, refused

SPACE = {"type": "m.space"}


async def space(guest: Guest, **wish: Any) -> str:
    return await guest.room(preset="public_chat", creation_content=SPACE, **wish)


async def hang(guest: Guest, parent: str, child: str, **content: Any) -> None:
    ok(await guest.set(parent, "m.space.child", {"via": ["example.org"]} | content, child))


async def tree(guest: Guest, room: str, **query: Any) -> Answer:
    return await guest.get(f"/_matrix/client/v1/rooms/{room}/hierarchy", **query)


async def rooms(guest: Guest, room: str, **query: Any) -> list[str]:
    return [each["room_id"] for each in ok(await tree(guest, room, **query))["rooms"]]


@pytest.fixture
async def town(alice: Guest, clock: HandClock) -> dict[str, str]:
    """town → (market → (tea, fish), school → tea), in that order."""
    found = {name: await space(alice, name=name) for name in ("town", "market", "school")}
    found |= {name: await alice.room(preset="public_chat", name=name) for name in ("tea", "fish")}
    await hang(alice, found["town"], found["school"], order="b", suggested=True)
    await hang(alice, found["town"], found["market"], order="a")
    await hang(alice, found["market"], found["tea"])
    clock.move(1)
    await hang(alice, found["market"], found["fish"])
    await hang(alice, found["school"], found["tea"], suggested=True)
    return found


def named(town: dict[str, str], *names: str) -> list[str]:
    return [town[name] for name in names]


async def test_the_tree_is_walked_depth_first(bob: Guest, town: dict[str, str]) -> None:
    expected = named(town, "town", "market", "tea", "fish", "school")
    answer = ok(await tree(bob, town["town"]))
    assert [each["room_id"] for each in answer["rooms"]] == expected
    assert "next_batch" not in answer.body


async def test_children_are_shown_as_stripped_events(
    alice: Guest, bob: Guest, town: dict[str, str]
) -> None:
    root, *_, school = ok(await tree(bob, town["town"]))["rooms"]
    assert root["name"] == "town"
    assert root["room_type"] == "m.space"
    assert [each["state_key"] for each in root["children_state"]] == named(town, "market", "school")
    (child,) = school["children_state"]
    assert child == {
        "type": "m.space.child",
        "sender": alice.user_id,
        "state_key": town["tea"],
        "content": {"via": ["example.org"], "suggested": True},
        "origin_server_ts": child["origin_server_ts"],
    }
    assert isinstance(child["origin_server_ts"], int)


async def test_depth_and_suggestion_limit_the_tree(bob: Guest, town: dict[str, str]) -> None:
    assert await rooms(bob, town["town"], max_depth=0) == [town["town"]]
    near = named(town, "town", "market", "school")
    assert await rooms(bob, town["town"], max_depth=1) == near
    suggested = ok(await tree(bob, town["town"], suggested_only="true"))["rooms"]
    assert [each["room_id"] for each in suggested] == named(town, "town", "school", "tea")
    assert [len(each["children_state"]) for each in suggested] == [1, 1, 0]


async def test_pages_make_up_the_whole_tree(bob: Guest, town: dict[str, str]) -> None:
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = ok(await tree(bob, town["town"], **query))
        assert len(page["rooms"]) <= 2
        seen += [each["room_id"] for each in page["rooms"]]
        if "next_batch" not in page.body:
            break
        query["from"] = page["next_batch"]
    assert seen == named(town, "town", "market", "tea", "fish", "school")


async def test_a_token_holds_for_its_own_request_only(
    alice: Guest, bob: Guest, town: dict[str, str]
) -> None:
    token = {"from": ok(await tree(bob, town["town"], limit=2))["next_batch"]}
    for strange in (
        await tree(bob, town["town"], suggested_only="true", **token),
        await tree(bob, town["town"], max_depth=1, **token),
        await tree(bob, town["market"], **token),
        await tree(alice, town["town"], **token),
        await tree(bob, town["town"], **{"from": "WzEsMl0"}),
        await tree(bob, town["town"], **{"from": "strange"}),
        await tree(bob, town["town"], limit=0),
        await tree(bob, town["town"], max_depth=-1),
        await tree(bob, town["town"], suggested_only="perhaps"),
    ):
        refused(strange, 400, "M_INVALID_PARAM")


async def test_rooms_that_one_may_not_see_are_left_out(
    alice: Guest, bob: Guest, town: dict[str, str]
) -> None:
    secret = await alice.room(name="secret", creation_content=SPACE)
    await hang(alice, town["school"], secret)
    await hang(alice, secret, town["fish"])
    await hang(alice, town["school"], "!elsewhere:example.com")
    assert secret not in await rooms(bob, town["town"])
    assert secret in await rooms(alice, town["town"])
    refused(await tree(bob, secret), 403, "M_FORBIDDEN")
    refused(await tree(bob, "!no:example.org"), 403, "M_FORBIDDEN")
    ok(await alice.post(f"/rooms/{secret}/invite", {"user_id": bob.user_id}))
    assert await rooms(bob, secret) == named(town | {"secret": secret}, "secret", "fish")


async def test_a_tree_that_bites_its_tail_ends(alice: Guest, town: dict[str, str]) -> None:
    await hang(alice, town["school"], town["town"])
    await hang(alice, town["school"], town["school"])
    assert len(await rooms(alice, town["town"])) == 5


@pytest.mark.parametrize("via", [None, [], "example.org", [1], {}])
async def test_a_child_without_a_proper_via_is_none(alice: Guest, via: Any) -> None:
    root, child = await space(alice), await alice.room()
    await hang(alice, root, child)
    assert await rooms(alice, root) == [root, child]
    ok(await alice.set(root, "m.space.child", {} if via is None else {"via": via}, child))
    answer = ok(await tree(alice, root))["rooms"]
    assert [each["room_id"] for each in answer] == [root]
    assert answer[0]["children_state"] == []


async def test_order_goes_before_time(alice: Guest, clock: HandClock) -> None:
    root = await space(alice)
    children = [await alice.room() for _ in range(6)]
    orders: list[Any] = [None, "b", "é", 3, "a", "x" * 51]
    for child, order in zip(children, orders, strict=True):
        clock.move(10)
        await hang(alice, root, child, **({} if order is None else {"order": order}))
    expected = [children[i] for i in (4, 1, 0, 2, 3, 5)]
    assert (await rooms(alice, root))[1:] == expected


async def test_a_room_that_is_no_space_has_no_children(alice: Guest) -> None:
    room, child = await alice.room(), await alice.room()
    await hang(alice, room, child)
    (only,) = ok(await tree(alice, room))["rooms"]
    assert only["children_state"] == []
