"""Sending and listening cost the same in a room of ten and of a thousand, with ten rooms and
with three hundred. The figures are exact: whoever changes one changes it here, knowingly.
"""

import asyncio

import pytest

from tests.budgets.counting import Count, counting
from tests.budgets.crowd import crowd_joins, quiet_rooms
from tests.stories.cast import Person
from tests.stories.server import Server

# Reads, and statements in each transaction besides moving the head of the line: whether this
# transaction was sent before, and the event.
SEND = (1, [1])
NOTHING = (0, [])


async def warm(alice: Person, bob: Person, **room: object) -> str:
    """A room where both have been talking and listening for a while."""
    found = await alice.opens(bob, **room)
    for person in (alice, bob, alice):
        await person.says(found, "warming up")
        await alice.hears()
        await bob.hears()
    return found


async def sends(server: Server, alice: Person, room: str) -> Count:
    with counting(server.app.database) as count:
        await alice.says(room, "hello")
    return count


async def hears(server: Server, bob: Person) -> Count:
    with counting(server.app.database) as count:
        await bob.hears()
    return count


async def test_a_message_is_one_read_and_one_transaction(
    server: Server, alice: Person, bob: Person
) -> None:
    room = await warm(alice, bob)
    count = await sends(server, alice, room)
    assert count.costs == SEND, count


async def test_many_messages_at_once_share_transactions(
    server: Server, alice: Person, bob: Person
) -> None:
    room = await warm(alice, bob)
    with counting(server.app.database) as count:
        await asyncio.gather(*(alice.says(room, str(i)) for i in range(50)))
    reads, transactions = count.costs
    assert len(transactions) < 50
    assert set(transactions) == {1}
    assert reads == 50


async def test_hearing_a_message_reads_nothing(server: Server, alice: Person, bob: Person) -> None:
    room = await warm(alice, bob)
    await alice.says(room, "hello")
    count = await hears(server, bob)
    assert count.costs == NOTHING, count


async def test_hearing_nothing_reads_nothing(server: Server, alice: Person, bob: Person) -> None:
    await warm(alice, bob)
    count = await hears(server, bob)
    assert count.costs == NOTHING, count


@pytest.mark.parametrize("size", [10, 1000])
async def test_the_size_of_a_room_costs_nothing(
    server: Server, alice: Person, bob: Person, size: int
) -> None:
    room = await alice.opens(bob)
    await crowd_joins(server, room, size)
    for person in (alice, bob):
        await person.says(room, "warming up")
        await person.hears()
    count = await sends(server, alice, room)
    assert count.costs == SEND, count
    count = await hears(server, bob)
    assert count.costs == NOTHING, count


@pytest.mark.parametrize("number", [10, 300])
async def test_quiet_rooms_cost_nothing(
    server: Server, alice: Person, bob: Person, number: int
) -> None:
    await quiet_rooms(server, bob, number)
    await bob.hears()
    room = await warm(alice, bob)
    count = await sends(server, alice, room)
    assert count.costs == SEND, count
    count = await hears(server, bob)
    assert count.costs == NOTHING, count


async def test_waking_many_devices_reads_nothing(
    server: Server, alice: Person, bob: Person
) -> None:
    room = await warm(alice, bob)
    devices = [await bob.on_another_device() for _ in range(10)]
    quietly = {"presence": {"types": []}}
    for device in devices:
        await device.hears(quietly)
    for device in devices:  # twice: the second time what they need is in memory
        await device.hears(quietly)
    with counting(server.app.database) as count:
        waiting = [asyncio.create_task(device.hears(quietly, timeout=60_000)) for device in devices]
        await asyncio.sleep(0.1)
        await alice.says(room, "wake up")
        heard = await asyncio.gather(*waiting)
    assert all(news.texts(room) == ["wake up"] for news in heard)
    assert count.costs == SEND, count


async def test_a_receipt_is_one_transaction(server: Server, alice: Person, bob: Person) -> None:
    room = await warm(alice, bob)
    message = await alice.says(room, "hello")
    with counting(server.app.database) as count:
        await bob.reads(room, message)
    note = 1 if server.app.database.shared else 0  # for other processes
    assert count.costs == (0, [1 + note]), count


@pytest.mark.parametrize("size", [10, 1000])
async def test_state_and_joins_cost_the_same_in_rooms_of_every_size(
    server: Server, alice: Person, bob: Person, size: int
) -> None:
    room = await alice.opens()
    await crowd_joins(server, room, size)
    with counting(server.app.database) as count:
        await bob.joins(room)
    assert count.costs == (2, [2]), count  # reads the membership and the profile
    await alice.sets(room, "m.room.topic", {"topic": "warming up"})
    with counting(server.app.database) as count:
        await alice.sets(room, "m.room.topic", {"topic": "new"})
    assert count.costs == (0, [2]), count


@pytest.mark.parametrize("size", [10, 1000])
async def test_a_page_of_history_costs_the_same_in_rooms_of_every_size(
    server: Server, alice: Person, size: int
) -> None:
    room = await alice.opens()
    await crowd_joins(server, room, size)
    for i in range(30):
        await alice.says(room, str(i))
    await alice.messages(room, limit=20)
    with counting(server.app.database) as count:
        page = await alice.messages(room, limit=20)
    assert len(page["chunk"]) == 20
    assert count.costs == (1, []), count


@pytest.mark.parametrize("number", [10, 100])
async def test_a_first_sync_reads_a_little_for_each_room(
    server: Server, alice: Person, number: int
) -> None:
    await quiet_rooms(server, alice, number)
    await alice.sync()
    with counting(server.app.database) as count:
        await alice.sync()
    assert len(count.reads) == 4 + 3 * number, count
