"""Edits, reactions, replies, references and threads, and what they do to the event they refer to.

spec: client-server-api/#forming-relationships-between-events
"""

import asyncio
from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import ids


async def bundled(reader: Person, room: str, event_id: str) -> dict[str, Any]:
    """The `m.relations` of an event, which must be the same wherever it is shown."""
    event = await reader.event(room, event_id)
    shown = [
        event,
        (await reader.context(room, event_id))["event"],
        *(await reader.messages(room, limit=1000))["chunk"],
        *(await reader.sync(filter={"room": {"timeline": {"limit": 100}}})).timeline(room),
    ]
    found = [e["unsigned"].get("m.relations", {}) for e in shown if e["event_id"] == event_id]
    assert len(found) == 4
    for one in found:
        assert ids_of(one) == ids_of(found[0])
    return dict(found[0])


def ids_of(relations: dict[str, Any]) -> dict[str, Any]:
    """What of bundled relations does not change with time."""
    kept: dict[str, Any] = {}
    if edit := relations.get("m.replace"):
        kept["m.replace"] = edit["event_id"]
    if thread := relations.get("m.thread"):
        kept["m.thread"] = (
            thread["latest_event"]["event_id"], thread["count"],
            thread["current_user_participated"],
        )  # fmt: skip
    if references := relations.get("m.reference"):
        kept["m.reference"] = [e["event_id"] for e in references["chunk"]]
    return kept


async def test_an_edit_comes_with_the_message_it_edits(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "helo")
    edit = await alice.edits(room, message, "hello")
    replaced = (await bundled(bob, room, message))["m.replace"]
    assert replaced["event_id"] == edit
    assert replaced["content"]["m.new_content"] == {"msgtype": "m.text", "body": "hello"}
    assert replaced["sender"] == alice.user_id
    assert (await bob.event(room, message))["content"]["body"] == "helo"  # as it was said


async def test_the_latest_edit_counts(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "a")
    for text in ("b", "c", "d"):
        last = await alice.edits(room, message, text)
    assert (await bundled(bob, room, message))["m.replace"]["event_id"] == last


async def test_nobody_edits_what_somebody_else_said(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "mine")
    await bob.edits(room, message, "yours")
    assert "m.replace" not in await bundled(bob, room, message)


async def test_an_edit_of_another_type_is_none(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "a")
    relation = {"rel_type": "m.replace", "event_id": message}
    await alice.sends(
        room, "org.example.other", {"m.new_content": {"body": "b"}, "m.relates_to": relation}
    )
    assert "m.replace" not in await bundled(alice, room, message)


async def test_an_edit_cannot_be_edited(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "a")
    edit = await alice.edits(room, message, "b")
    await alice.edits(room, edit, "c")
    assert "m.replace" not in await bundled(alice, room, edit)
    assert (await bundled(alice, room, message))["m.replace"]["event_id"] == edit


async def test_taking_an_edit_back_brings_back_the_one_before(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "a")
    first = await alice.edits(room, message, "b")
    second = await alice.edits(room, message, "c")
    await alice.redacts(room, second)
    assert (await bundled(alice, room, message))["m.replace"]["event_id"] == first
    await alice.redacts(room, first)
    assert "m.replace" not in await bundled(alice, room, message)


async def test_a_redacted_message_shows_no_edits(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "a")
    await alice.edits(room, message, "b")
    await alice.redacts(room, message)
    assert "m.replace" not in await bundled(alice, room, message)


async def test_reactions_are_found_as_relations(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "cake!")
    reactions = [await bob.reacts(room, message, key) for key in ("🍰", "👍")]
    reactions.append(await alice.reacts(room, message, "🍰"))
    page = await alice.relations(room, message, "m.annotation", "m.reaction")
    assert ids(page["chunk"]) == reactions[::-1]
    assert [e["content"]["m.relates_to"]["key"] for e in page["chunk"]] == ["🍰", "👍", "🍰"]


async def test_the_same_reaction_twice_is_refused(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "cake!")
    await alice.reacts(room, message, "🍰")
    with refused(400, "M_DUPLICATE_ANNOTATION"):
        await alice.reacts(room, message, "🍰")
    await alice.reacts(room, message, "👍")


async def test_the_same_reaction_sent_at_once_is_kept_once(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "cake!")
    relation = {"rel_type": "m.annotation", "event_id": message, "key": "🍰"}
    answers = await asyncio.gather(
        *(
            alice.call(
                "PUT", f"/rooms/{part(room)}/send/m.reaction/{i}", {"m.relates_to": relation}
            )
            for i in range(5)
        )
    )
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400, 400]


async def test_a_reaction_may_be_given_again_after_it_was_taken_back(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "cake!")
    await alice.redacts(room, await alice.reacts(room, message, "🍰"))
    again = await alice.reacts(room, message, "🍰")
    assert ids((await alice.relations(room, message))["chunk"]) == [again]


async def test_references_are_bundled(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    poll = await alice.sends(room, "org.example.poll", {"question": "tea?"})
    votes = []
    for voter in (alice, bob):
        relation = {"rel_type": "m.reference", "event_id": poll}
        votes.append(await voter.sends(room, "org.example.vote", {"m.relates_to": relation}))
    chunk = (await bundled(bob, room, poll))["m.reference"]["chunk"]
    assert [{"event_id": vote} for vote in votes] == chunk


async def test_a_thread_tells_its_size_its_end_and_whether_one_takes_part(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol)
    root = await alice.says(room, "plans?")
    await bob.answers_in_thread(room, root, "tea")
    last = await bob.answers_in_thread(room, root, "cake")
    for reader, part_of_it in ((alice, True), (bob, True), (carol, False)):
        thread = (await bundled(reader, room, root))["m.thread"]
        assert thread["count"] == 2
        assert thread["latest_event"]["event_id"] == last
        assert thread["current_user_participated"] is part_of_it


async def test_the_last_message_of_a_thread_comes_with_its_edit(alice: Person) -> None:
    room = await alice.creates()
    root = await alice.says(room, "plans?")
    last = await alice.answers_in_thread(room, root, "tee")
    edit = await alice.edits(room, last, "tea")
    latest = (await bundled(alice, room, root))["m.thread"]["latest_event"]
    assert latest["event_id"] == last
    assert latest["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit


async def test_taking_back_the_last_answer_shortens_the_thread(alice: Person) -> None:
    room = await alice.creates()
    root = await alice.says(room, "plans?")
    first = await alice.answers_in_thread(room, root, "tea")
    second = await alice.answers_in_thread(room, root, "cake")
    await alice.redacts(room, second)
    thread = (await bundled(alice, room, root))["m.thread"]
    assert (thread["count"], thread["latest_event"]["event_id"]) == (1, first)
    await alice.redacts(room, first)
    assert "m.thread" not in await bundled(alice, room, root)


async def test_threads_do_not_start_inside_threads(alice: Person) -> None:
    room = await alice.creates()
    root = await alice.says(room, "plans?")
    answer = await alice.answers_in_thread(room, root, "tea")
    relation = {"rel_type": "m.thread", "event_id": answer}
    refusal = await alice.call(
        "PUT", f"/rooms/{part(room)}/send/m.room.message/t",
        {"msgtype": "m.text", "body": "x", "m.relates_to": relation},
    )  # fmt: skip
    assert refusal.status == 400, refusal


async def test_a_rooms_threads_are_listed_latest_answer_first(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    roots = [await alice.says(room, f"topic {i}") for i in range(3)]
    for root in (roots[1], roots[2], roots[0]):
        await alice.answers_in_thread(room, root, "answer")
    assert ids((await bob.threads(room))["chunk"]) == [roots[0], roots[2], roots[1]]
    await alice.answers_in_thread(room, roots[1], "again")
    page = await bob.threads(room)
    assert ids(page["chunk"]) == [roots[1], roots[0], roots[2]]
    assert page["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"] == 2
    await alice.says(room, "no thread")
    assert "next_batch" not in page


async def test_threads_are_listed_by_pages(alice: Person) -> None:
    room = await alice.creates()
    roots = []
    for i in range(5):
        roots.append(await alice.says(room, f"topic {i}"))
        await alice.answers_in_thread(room, roots[-1], "answer")
    found: list[str] = []
    page = await alice.threads(room, limit=2)
    found += ids(page["chunk"])
    while "next_batch" in page:
        page = await alice.threads(room, limit=2, **{"from": page["next_batch"]})
        found += ids(page["chunk"])
    assert found == roots[::-1]


async def test_only_the_threads_one_takes_part_in_are_listed_if_so_wished(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    mine, other, answered = [await who.says(room, "topic") for who in (bob, alice, alice)]
    for root in (mine, other, answered):
        await alice.answers_in_thread(room, root, "answer")
    await bob.answers_in_thread(room, answered, "me too")
    assert ids((await bob.threads(room, include="participated"))["chunk"]) == [answered, mine]
    assert len((await bob.threads(room, include="all"))["chunk"]) == 3


async def test_relations_are_paged_both_ways(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "vote!")
    children = [await alice.reacts(room, message, str(i)) for i in range(7)]
    for direction, order in (("b", children[::-1]), ("f", children)):
        found: list[str] = []
        token = None
        while True:
            page = await alice.relations(
                room, message, dir=direction, limit=3, **({"from": token} if token else {})
            )
            found += ids(page["chunk"])
            token = page.get("next_batch")
            if token is None:
                break
        assert found == order


async def test_relations_are_chosen_by_kind_and_type(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "a")
    reaction = await alice.reacts(room, message)
    answer = await alice.answers_in_thread(room, message, "b")
    edit = await alice.edits(room, message, "c")
    assert ids((await alice.relations(room, message))["chunk"]) == [edit, answer, reaction]
    assert ids((await alice.relations(room, message, "m.thread"))["chunk"]) == [answer]
    of_type = await alice.relations(room, message, "m.replace", "m.room.message")
    assert ids(of_type["chunk"]) == [edit]
    assert ids((await alice.relations(room, message, "m.thread", "m.reaction"))["chunk"]) == []


async def test_relations_of_relations_are_found_if_so_wished(alice: Person) -> None:
    room = await alice.creates()
    root = await alice.says(room, "a")
    answer = await alice.answers_in_thread(room, root, "b")
    reaction = await alice.reacts(room, answer)
    assert ids((await alice.relations(room, root))["chunk"]) == [answer]
    page = await alice.relations(room, root, recurse=True)
    assert ids(page["chunk"]) == [reaction, answer]
    assert page["recursion_depth"] >= 2


async def test_outsiders_see_no_relations(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    message = await alice.says(room, "a")
    answer = await bob.call(
        "GET", f"/_matrix/client/v1/rooms/{part(room)}/relations/{part(message)}"
    )
    assert answer.status in (403, 404), answer
    answer = await bob.call("GET", f"/_matrix/client/v1/rooms/{part(room)}/threads")
    assert answer.status == 403, answer


@pytest.mark.parametrize(
    "relates", [None, "x", [], {"rel_type": 1, "event_id": "$x"}, {"rel_type": "m.thread"}, {}]
)
async def test_a_malformed_relation_is_carried_but_relates_nothing(
    alice: Person, relates: Any
) -> None:
    room = await alice.creates()
    event_id = await alice.says(room, "a", **{"m.relates_to": relates})
    assert (await alice.event(room, event_id))["content"]["m.relates_to"] == relates


async def test_a_relation_to_another_room_is_none(alice: Person) -> None:
    room, other = await alice.creates(), await alice.creates()
    message = await alice.says(room, "a")
    relation = {"rel_type": "m.reference", "event_id": message}
    await alice.says(other, "b", **{"m.relates_to": relation})
    assert (await alice.relations(room, message))["chunk"] == []
    assert await bundled(alice, room, message) == {}


async def test_what_ignored_people_say_about_a_message_is_not_shown(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    root = await alice.says(room, "plans?")
    await bob.answers_in_thread(room, root, "spam")
    await alice.ignores(bob)
    assert (await alice.relations(room, root))["chunk"] == []
