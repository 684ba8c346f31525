"""What was read: receipts for all, for oneself and by thread, and the fully-read marker.

spec: client-server-api/#receipts
"""

import asyncio

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.test_sync import SOON, waiting


async def test_the_others_see_what_one_has_read(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await alice.hears()
    await bob.reads(room, message)
    news = await alice.hears()
    assert news.receipts(room) == [(message, "m.read", bob.user_id, None)]
    (content,) = news.ephemeral(room, "m.receipt")
    assert content[message]["m.read"][bob.user_id]["ts"] > 0
    assert (await alice.hears()).receipts(room) == []


async def test_a_first_sync_has_everybodys_receipts(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    first, second = await alice.says(room, "1"), await alice.says(room, "2")
    await alice.reads(room, second)
    await bob.reads(room, first)
    assert set((await alice.sync()).receipts(room)) == {
        (second, "m.read", alice.user_id, None), (first, "m.read", bob.user_id, None)
    }  # fmt: skip


async def test_receipts_wake(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await alice.hears()
    task = await waiting(alice)
    await bob.reads(room, message)
    assert (await asyncio.wait_for(task, SOON)).receipts(room)


async def test_a_receipt_does_not_go_back(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    first, second = await alice.says(room, "1"), await alice.says(room, "2")
    await bob.reads(room, second)
    await bob.reads(room, first)
    assert (await alice.sync()).receipts(room) == [(second, "m.read", bob.user_id, None)]


async def test_a_private_receipt_is_seen_by_its_owner_only(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    phone = await bob.on_another_device()
    await alice.hears()
    await phone.hears()
    await bob.reads(room, message, "m.read.private")
    assert (await alice.hears()).receipts(room) == []
    assert (await alice.sync()).receipts(room) == []
    assert (await phone.hears()).receipts(room) == [(message, "m.read.private", bob.user_id, None)]


async def test_receipts_are_kept_by_thread(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    root = await alice.says(room, "root")
    answer = await alice.answers_in_thread(room, root, "answer")
    main = await alice.says(room, "main")
    await bob.reads(room, answer, thread=root)
    await bob.reads(room, main, thread="main")
    assert set((await alice.sync()).receipts(room)) == {
        (answer, "m.read", bob.user_id, root), (main, "m.read", bob.user_id, "main")
    }  # fmt: skip


@pytest.mark.parametrize("thread", ["", 1, [], {}])
async def test_a_thread_has_a_name(alice: Person, thread: object) -> None:
    room = await alice.creates()
    message = await alice.says(room, "hello")
    path = f"/rooms/{part(room)}/receipt/m.read/{part(message)}"
    answer = await alice.call("POST", path, {"thread_id": thread})
    assert answer.status == 400, answer


async def test_a_receipt_in_a_thread_is_for_an_event_of_it(alice: Person) -> None:
    room = await alice.creates()
    root, other = await alice.says(room, "root"), await alice.says(room, "other")
    await alice.answers_in_thread(room, root, "answer")
    with refused(400, "M_INVALID_PARAM"):
        await alice.reads(room, other, thread=root)


async def test_unknown_kinds_of_receipt_are_refused(alice: Person) -> None:
    room = await alice.creates()
    message = await alice.says(room, "hello")
    with refused(400, "M_INVALID_PARAM"):
        await alice.reads(room, message, "org.example.smelled")


async def test_only_members_leave_receipts_and_only_for_what_there_is(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens()
    message = await alice.says(room, "hello")
    with refused(403, "M_FORBIDDEN"):
        await bob.reads(room, message)
    answer = await alice.call("POST", f"/rooms/{part(room)}/receipt/m.read/$nothing", {})
    assert answer.status in (400, 404), answer


async def test_the_fully_read_marker_is_account_data(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    first, second = await bob.says(room, "1"), await bob.says(room, "2")
    body = {"m.fully_read": first, "m.read": second}
    await alice.post(f"/rooms/{part(room)}/read_markers", body)
    news = await alice.sync()
    assert news.account_data(room)["m.fully_read"] == {"event_id": first}
    assert (second, "m.read", alice.user_id, None) in news.receipts(room)
    await alice.reads(room, second, "m.fully_read")
    assert (await alice.kept("m.fully_read", room)) == {"event_id": second}
    assert "m.fully_read" not in (await bob.sync()).account_data(room)


async def test_read_markers_also_mark_privately(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await bob.says(room, "1")
    await alice.post(f"/rooms/{part(room)}/read_markers", {"m.read.private": message})
    assert (await bob.sync()).receipts(room) == []
    assert (await alice.sync()).receipts(room) == [(message, "m.read.private", alice.user_id, None)]


async def test_the_marker_does_not_go_back(alice: Person) -> None:
    room = await alice.creates()
    first, second = await alice.says(room, "1"), await alice.says(room, "2")
    await alice.reads(room, second, "m.fully_read")
    await alice.reads(room, first, "m.fully_read")
    assert (await alice.kept("m.fully_read", room)) == {"event_id": second}
