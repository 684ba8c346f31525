"""Who is typing (spec: client-server-api/#typing-notifications)."""

import asyncio

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.test_sync import SOON, waiting


async def test_the_others_see_who_types_and_who_stops(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.hears()
    await bob.types(room)
    assert (await alice.hears()).typing(room) == [bob.user_id]
    assert (await alice.hears()).typing(room) is None
    await bob.types(room, False)
    assert (await alice.hears()).typing(room) == []


async def test_typing_wakes_and_is_not_repeated(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.hears()
    task = await waiting(alice)
    await bob.types(room)
    assert (await asyncio.wait_for(task, SOON)).typing(room) == [bob.user_id]
    await bob.types(room)
    assert (await alice.hears()).typing(room) is None


async def test_several_type_at_once(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol)
    await alice.hears()
    await bob.types(room)
    await carol.types(room)
    assert (await alice.hears()).typing(room) == sorted([bob.user_id, carol.user_id])


async def test_typing_ends_by_itself(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.hears()
    await bob.types(room, timeout=1)
    await alice.hears()
    while (typists := (await alice.hears(timeout=60_000)).typing(room)) is None:
        pass
    assert typists == []


async def test_who_leaves_no_longer_types(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.types(room)
    assert (await alice.hears()).typing(room) == [bob.user_id]
    await bob.leaves(room)
    assert (await alice.hears()).typing(room) == []


async def test_one_types_for_oneself_and_where_one_is(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    path = f"/rooms/{part(room)}/typing/{part(alice.user_id)}"
    with refused(403, "M_FORBIDDEN"):
        await bob.put(path, {"typing": True, "timeout": 1000})
    await bob.leaves(room)
    with refused(403, "M_FORBIDDEN"):
        await bob.types(room)


async def test_whether_one_types_must_be_said(alice: Person) -> None:
    room = await alice.creates()
    path = f"/rooms/{part(room)}/typing/{part(alice.user_id)}"
    answer = await alice.call("PUT", path, {})
    assert (answer.status, answer.code) == (400, "M_BAD_JSON"), answer


async def test_rooms_do_not_mix(alice: Person, bob: Person) -> None:
    one, two = await alice.creates(bob), await alice.creates(bob)
    await bob.types(one)
    news = await alice.sync()
    assert (news.typing(one), news.typing(two)) == ([bob.user_id], None)
