"""Going back and forth in a room: pages, one event, its surroundings, a place in time.

spec: client-server-api/#getting-events-for-a-room
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find, ids, texts


async def paged(who: Person, room: str, direction: str, size: int, **query: Any) -> list[str]:
    """Every event id of a room, page by page."""
    found: list[str] = []
    token = query.pop("start", None)
    for _ in range(100):
        page = await who.messages(
            room, direction, limit=size, **query, **({"from": token} if token else {})
        )
        assert len(page["chunk"]) <= size
        found += ids(page["chunk"])
        token = page.get("end")
        if token is None:
            return found
    raise AssertionError("There is no end to the pages.")


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_pages_backwards_and_forwards_meet(alice: Person, size: int) -> None:
    room = await alice.creates()
    said = [await alice.says(room, str(i)) for i in range(8)]
    backwards = await paged(alice, room, "b", size)
    assert backwards[:8] == said[::-1]
    assert len(backwards) == len(set(backwards))
    assert await paged(alice, room, "f", size) == backwards[::-1]


async def test_pages_go_on_where_sync_left_a_gap(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    for i in range(20):
        await alice.says(room, str(i))
    news = await bob.sync(filter={"room": {"timeline": {"limit": 5}}})
    assert news.texts(room) == ["15", "16", "17", "18", "19"]
    page = await bob.messages(room, "b", limit=5, **{"from": news.gap(room)})
    assert texts(page["chunk"]) == ["14", "13", "12", "11", "10"]


async def test_pages_forwards_from_a_sync_token_bring_what_came_after(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "before")
    token = (await bob.sync()).token
    await alice.says(room, "after")
    page = await bob.messages(room, "f", **{"from": token})
    assert texts(page["chunk"]) == ["after"]


async def test_a_page_ends_where_one_wants(alice: Person) -> None:
    room = await alice.creates()
    await alice.says(room, "one")
    middle = (await alice.sync()).token
    await alice.says(room, "two")
    page = await alice.messages(room, "b", to=middle, limit=100)
    assert texts(page["chunk"]) == ["two"]
    end = (await alice.sync()).token
    await alice.says(room, "three")
    page = await alice.messages(room, "f", to=end, limit=100, **{"from": middle})
    assert texts(page["chunk"]) == ["two"]


async def test_pages_are_filtered(alice: Person, bob: Person) -> None:
    import json

    room = await alice.creates(bob)
    for i in range(5):
        await alice.says(room, f"a{i}")
        await bob.says(room, f"b{i}")
    await alice.says(room, "picture", msgtype="m.image", url="mxc://example.org/p")

    async def chosen(**filter: Any) -> list[str]:
        page = await alice.messages(room, limit=100, filter=json.dumps(filter))
        return texts(page["chunk"][::-1])

    assert await chosen(senders=[bob.user_id]) == ["b0", "b1", "b2", "b3", "b4"]
    assert len(await chosen(not_senders=[bob.user_id])) == 6
    assert await chosen(types=["m.room.member"]) == []
    assert await chosen(types=["m.room.mess*"], not_senders=[alice.user_id]) == [
        "b0", "b1", "b2", "b3", "b4"
    ]  # fmt: skip
    assert await chosen(contains_url=True) == ["picture"]
    assert "picture" not in await chosen(contains_url=False)
    page = await alice.messages(room, limit=2, filter=json.dumps({"senders": [bob.user_id]}))
    assert texts(page["chunk"]) == ["b4", "b3"]
    page = await alice.messages(
        room, limit=2, filter=json.dumps({"senders": [bob.user_id]}), **{"from": page["end"]}
    )
    assert texts(page["chunk"]) == ["b2", "b1"]


async def test_a_filter_that_takes_what_lies_far_back_finds_it(alice: Person, bob: Person) -> None:
    import json

    room = await alice.creates(bob)
    await bob.says(room, "needle")
    for i in range(120):
        await alice.says(room, str(i))
    found: list[str] = []
    token = None
    for _ in range(50):
        page = await alice.messages(
            room, limit=10, filter=json.dumps({"senders": [bob.user_id]}),
            **({"from": token} if token else {}),
        )  # fmt: skip
        found += texts(page["chunk"])
        if (token := page.get("end")) is None:
            break
    assert found == ["needle"]


async def test_events_are_found_by_what_refers_to_them(alice: Person, bob: Person) -> None:
    import json

    room = await alice.creates(bob)
    loved = await alice.says(room, "loved")
    await alice.says(room, "plain")
    root = await alice.says(room, "root")
    await bob.reacts(room, loved)
    await alice.answers_in_thread(room, root, "answer")

    async def chosen(**filter: Any) -> list[str]:
        page = await alice.messages(room, limit=100, filter=json.dumps(filter))
        return texts(page["chunk"][::-1])

    assert await chosen(related_by_rel_types=["m.thread"]) == ["root"]
    assert await chosen(related_by_rel_types=["m.annotation", "m.thread"]) == ["loved", "root"]
    assert await chosen(related_by_senders=[bob.user_id]) == ["loved"]


async def test_lazy_pages_come_with_the_faces_of_the_senders_only(
    alice: Person, bob: Person, carol: Person
) -> None:
    import json

    room = await alice.creates(bob, carol)
    await bob.says(room, "hello")
    page = await alice.messages(room, limit=1, filter=json.dumps({"lazy_load_members": True}))
    assert [(e["type"], e["state_key"]) for e in page["state"]] == [("m.room.member", bob.user_id)]


async def test_a_direction_is_needed(alice: Person) -> None:
    room = await alice.creates()
    answer = await alice.call("GET", f"/rooms/{part(room)}/messages")
    assert answer.status in (200, 400), answer  # some clients never send it
    answer = await alice.call("GET", f"/rooms/{part(room)}/messages", dir="sideways")
    assert (answer.status, answer.code) == (400, "M_INVALID_PARAM"), answer


async def test_a_token_of_somebody_elses_making_is_refused(alice: Person) -> None:
    room = await alice.creates()
    for token in ("x", "s72594_4483_1934", "q", "q-1", "q1.x"):
        answer = await alice.call("GET", f"/rooms/{part(room)}/messages?dir=b&from={token}")
        assert (answer.status, answer.code) == (400, "M_INVALID_PARAM"), answer


async def test_an_event_is_found_by_its_id(alice: Person, bob: Person) -> None:
    room, other = await alice.creates(bob), await alice.creates(bob)
    event_id = await alice.says(room, "hello")
    assert (await bob.event(room, event_id))["content"]["body"] == "hello"
    with refused(404, "M_NOT_FOUND"):
        await bob.event(other, event_id)
    with refused(404, "M_NOT_FOUND"):
        await bob.event(room, "$nothing")


async def test_outsiders_find_no_event(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    event_id = await alice.says(room, "secret")
    for path in (f"event/{part(event_id)}", f"context/{part(event_id)}"):
        answer = await bob.call("GET", f"/rooms/{part(room)}/{path}")
        assert answer.status in (403, 404), answer
    with refused(403, "M_FORBIDDEN"):
        await bob.messages(room)


async def test_an_event_is_shown_in_its_surroundings(alice: Person) -> None:
    room = await alice.creates(name="Tea")
    said = [await alice.says(room, str(i)) for i in range(9)]
    context = await alice.context(room, said[4], limit=4)
    assert context["event"]["event_id"] == said[4]
    assert texts(context["events_before"]) == ["3", "2"]
    assert texts(context["events_after"]) == ["5", "6"]
    assert find(context["state"], "m.room.name")["content"] == {"name": "Tea"}
    before = await alice.messages(room, "b", limit=2, **{"from": context["start"]})
    assert texts(before["chunk"]) == ["1", "0"]
    after = await alice.messages(room, "f", limit=100, **{"from": context["end"]})
    assert texts(after["chunk"]) == ["7", "8"]


async def test_surroundings_may_be_empty(alice: Person) -> None:
    room = await alice.creates()
    said = [await alice.says(room, str(i)) for i in range(3)]
    context = await alice.context(room, said[1], limit=0)
    assert context["event"]["event_id"] == said[1]
    assert not context.get("events_before") and not context.get("events_after")


async def test_the_state_of_surroundings_is_that_of_their_time(alice: Person) -> None:
    room = await alice.creates(name="Before")
    message = await alice.says(room, "hello")
    await alice.says(room, "and")
    await alice.sets(room, "m.room.name", {"name": "After"})
    context = await alice.context(room, message, limit=1)
    assert find(context["state"], "m.room.name")["content"] == {"name": "Before"}


async def test_surroundings_are_filtered_and_lazy(alice: Person, bob: Person) -> None:
    import json

    room = await alice.creates(bob)
    await alice.says(room, "a")
    middle = await alice.says(room, "b")
    await bob.says(room, "c")
    filter = json.dumps({"senders": [alice.user_id], "lazy_load_members": True})
    context = await alice.context(room, middle, limit=10, filter=filter)
    assert texts(context["events_before"])[0] == "a"
    assert context["events_after"] == []
    members = {e["state_key"] for e in context["state"] if e["type"] == "m.room.member"}
    assert members == {alice.user_id}


async def test_a_time_leads_to_the_nearest_event(alice: Person) -> None:
    import asyncio

    room = await alice.creates()
    said = []
    for i in range(3):
        await asyncio.sleep(0.003)  # so that no two events have the same time
        said.append(await alice.event(room, await alice.says(room, str(i))))
    times = [event["origin_server_ts"] for event in said]

    async def at(ts: int, direction: str) -> str:
        path = f"/_matrix/client/v1/rooms/{part(room)}/timestamp_to_event"
        return str((await alice.get(path, ts=ts, dir=direction))["event_id"])

    assert await at(times[1], "f") == said[1]["event_id"]
    assert await at(times[1], "b") == said[1]["event_id"]
    assert await at(times[0] + 1, "f") == said[1]["event_id"]
    assert await at(times[2] - 1, "b") == said[1]["event_id"]
    assert await at(times[2] + 100_000, "b") == said[2]["event_id"]
    with refused(404, "M_NOT_FOUND"):
        await at(times[2] + 100_000, "f")
    with refused(404, "M_NOT_FOUND"):
        await at(1000, "b")


async def test_outsiders_do_not_ask_for_times(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    path = f"/_matrix/client/v1/rooms/{part(room)}/timestamp_to_event"
    with refused(403, "M_FORBIDDEN"):
        await bob.get(path, ts=0, dir="f")


async def test_a_page_may_have_up_to_a_thousand_events(alice: Person) -> None:
    room = await alice.creates()
    page = await alice.messages(room, "b", limit=10_000_000)
    assert "end" not in page
    answer = await alice.call("GET", f"/rooms/{part(room)}/messages?dir=b&limit=-1")
    assert answer.status in (200, 400), answer
