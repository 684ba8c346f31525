"""How much is unread, by everybody's own push rules, per room and per thread.

spec: client-server-api/#receiving-notifications
"""

from typing import Any

from tests.stories.cast import Person, part

BY_THREAD = {"room": {"timeline": {"unread_thread_notifications": True}}}


async def counts(person: Person, room: str) -> tuple[int, int]:
    return (await person.sync()).counts(room)


async def test_every_message_of_others_counts_until_it_is_read(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    assert await counts(bob, room) == (0, 0)
    for i in range(3):
        last = await alice.says(room, str(i))
    assert await counts(bob, room) == (3, 0)
    assert await counts(alice, room) == (0, 0)
    await bob.reads(room, last)
    assert await counts(bob, room) == (0, 0)


async def test_reading_half_leaves_the_other_half(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    said = [await alice.says(room, str(i)) for i in range(4)]
    await bob.reads(room, said[1])
    assert await counts(bob, room) == (2, 0)
    await bob.reads(room, said[2], "m.read.private")
    assert await counts(bob, room) == (1, 0)


async def test_counts_come_with_what_is_new_and_with_ones_own_receipt(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await bob.hears()
    first = await alice.says(room, "1")
    assert (await bob.hears()).counts(room) == (1, 0)
    await alice.says(room, "2")
    assert (await bob.hears()).counts(room) == (2, 0)
    await bob.reads(room, first)
    assert (await bob.hears()).counts(room) == (1, 0)


async def test_what_was_said_before_one_came_does_not_count(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    await alice.says(room, "1")
    await bob.joins(room)
    assert await counts(bob, room) == (0, 0)


async def test_being_mentioned_is_a_highlight(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol)
    await alice.says(room, "Bob!", **{"m.mentions": {"user_ids": [bob.user_id]}})
    assert await counts(bob, room) == (1, 1)
    assert await counts(carol, room) == (1, 0)


async def test_a_whole_room_is_mentioned_by_those_who_may(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol)
    await bob.says(room, "everybody!", **{"m.mentions": {"room": True}})
    assert await counts(carol, room) == (1, 0)
    await alice.says(room, "everybody!", **{"m.mentions": {"room": True}})
    assert await counts(carol, room) == (2, 1)


async def test_notices_reactions_and_edits_do_not_count(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await bob.reads(room, message)
    await alice.sends(room, "m.room.message", {"msgtype": "m.notice", "body": "beep"})
    await alice.reacts(room, message)
    await alice.edits(room, message, "hello!")
    assert await counts(bob, room) == (0, 0)


async def test_a_muted_room_counts_nothing(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.put(f"/pushrules/global/room/{part(room)}", {"actions": []})
    await alice.says(room, "hello")
    assert await counts(bob, room) == (0, 0)
    await alice.says(room, "Bob!", **{"m.mentions": {"user_ids": [bob.user_id]}})
    assert await counts(bob, room) == (1, 1)


async def test_a_new_rule_changes_the_count_at_once(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "about cheese")
    assert await counts(bob, room) == (1, 0)
    rule = {"pattern": "cheese", "actions": ["notify", {"set_tweak": "highlight"}]}
    await bob.put("/pushrules/global/content/cheese", rule)
    assert await counts(bob, room) == (1, 1)


async def test_threads_count_by_themselves_if_so_wished(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    root = await alice.says(room, "root")
    answer = await alice.answers_in_thread(room, root, "answer")
    await alice.says(room, "main")
    assert await counts(bob, room) == (3, 0)
    news = await bob.sync(filter=BY_THREAD)
    assert news.counts(room) == (2, 0)
    assert news.thread_counts(room) == {root: (1, 0)}
    await bob.reads(room, answer, thread=root)
    news = await bob.sync(filter=BY_THREAD)
    assert (news.counts(room), news.thread_counts(room)) == ((2, 0), {})
    assert await counts(bob, room) == (2, 0)


async def test_reading_the_main_timeline_leaves_threads_unread(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    root = await alice.says(room, "root")
    await alice.answers_in_thread(room, root, "answer")
    main = await alice.says(room, "main")
    await bob.reads(room, main, thread="main")
    news = await bob.sync(filter=BY_THREAD)
    assert (news.counts(room), news.thread_counts(room)) == ((0, 0), {root: (1, 0)})
    await bob.reads(room, main)
    news = await bob.sync(filter=BY_THREAD)
    assert (news.counts(room), news.thread_counts(room)) == ((0, 0), {})


async def test_a_highlight_in_a_thread_belongs_to_the_thread(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    root = await alice.says(room, "root")
    await bob.reads(room, root)
    relation: dict[str, Any] = {"rel_type": "m.thread", "event_id": root}
    await alice.says(
        room, "Bob!", **{"m.relates_to": relation, "m.mentions": {"user_ids": [bob.user_id]}}
    )
    news = await bob.sync(filter=BY_THREAD)
    assert (news.counts(room), news.thread_counts(room)) == ((0, 0), {root: (1, 1)})


async def test_counting_survives_reading_on_another_device(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    phone = await bob.on_another_device()
    await phone.hears()
    message = await alice.says(room, "hello")
    assert (await phone.hears()).counts(room) == (1, 0)
    await bob.reads(room, message)
    news = await phone.hears()
    assert room in news.rooms() and news.counts(room) == (0, 0)


async def test_an_invitation_to_somebody_else_does_not_count(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob)
    await alice.invites(room, carol)
    await carol.joins(room)
    assert await counts(bob, room) == (0, 0)
