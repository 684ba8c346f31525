"""Members that come only when one hears them.

spec: client-server-api/#lazy-loading-room-members
"""

from typing import Any

from tests.stories.cast import Person
from tests.stories.news import News, find


def lazy(limit: int = 1, redundant: bool = False) -> dict[str, Any]:
    state = {"lazy_load_members": True, "include_redundant_members": redundant}
    return {"room": {"state": state, "timeline": {"limit": limit}}}


def members(news: News, room: str) -> set[str]:
    return {e["state_key"] for e in news.state(room) if e["type"] == "m.room.member"}


async def test_only_those_who_speak_and_oneself_come_at_first(
    alice: Person, bob: Person, carol: Person, dave: Person
) -> None:
    room = await alice.creates(bob, carol, dave, name="Tea")
    await carol.says(room, "hello")
    news = await bob.sync(filter=lazy())
    assert members(news, room) == {bob.user_id, carol.user_id}
    assert find(news.state(room), "m.room.name")["content"] == {"name": "Tea"}


async def test_others_come_when_they_speak_and_only_once(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    await alice.says(room, "hello")
    await bob.hears(filter=lazy())
    await carol.says(room, "one")
    assert members(await bob.hears(filter=lazy()), room) == {carol.user_id}
    await carol.says(room, "two")
    assert members(await bob.hears(filter=lazy()), room) == set()


async def test_they_come_every_time_if_so_wished(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    filter = lazy(redundant=True)
    await bob.hears(filter=filter)
    for text in ("one", "two"):
        await carol.says(room, text)
        assert carol.user_id in members(await bob.hears(filter=filter), room)


async def test_another_device_is_told_by_itself(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    await alice.says(room, "hello")
    phone = await bob.on_another_device()
    await bob.hears(filter=lazy())
    await phone.hears(filter=lazy())
    await carol.says(room, "one")
    for device in (bob, phone):
        assert members(await device.hears(filter=lazy()), room) == {carol.user_id}


async def test_a_repeated_token_is_told_again(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    await alice.says(room, "hello")
    since = (await bob.sync(filter=lazy())).token
    await carol.says(room, "one")
    assert members(await bob.sync(since, lazy()), room) == {carol.user_id}
    assert members(await bob.sync(since, lazy()), room) == {carol.user_id}


async def test_after_a_gap_those_who_speak_after_it_come(
    alice: Person, bob: Person, carol: Person, dave: Person
) -> None:
    room = await alice.creates(bob, carol, dave, name="Tea")
    await alice.says(room, "hello")
    await bob.hears(filter=lazy())
    await carol.says(room, "in the gap")
    await dave.says(room, "after it")
    news = await bob.hears(filter=lazy())
    assert news.limited(room)
    assert dave.user_id in members(news, room)


async def test_a_join_in_the_timeline_needs_no_second_copy(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    await alice.hears(filter=lazy(10))
    await bob.joins(room)
    await bob.says(room, "hello")
    assert members(await alice.hears(filter=lazy(10)), room) == set()


async def test_a_newly_joined_room_brings_oneself(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.opens(carol, name="Tea")
    await bob.hears(filter=lazy())
    await bob.joins(room)
    await carol.says(room, "welcome")
    news = await bob.hears(filter=lazy())
    assert {bob.user_id, carol.user_id} <= members(news, room)
    assert alice.user_id not in members(news, room)


async def test_a_changed_name_is_told_even_of_those_one_knows(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "hello")
    await bob.hears(filter=lazy())
    await alice.is_called("Queen Alice")
    await alice.says(room, "hello again")
    news = await bob.hears(filter=lazy())
    told = [*news.state(room), *news.timeline(room)]
    assert find(told, "m.room.member", alice.user_id)["content"]["displayname"] == "Queen Alice"


async def test_heroes_come_with_their_faces(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    for i in range(3):
        await bob.says(room, str(i))
    news = await bob.sync(filter=lazy())
    assert news.room(room)["summary"]["m.heroes"] == [alice.user_id]
    assert alice.user_id in members(news, room)


async def test_without_lazy_loading_everybody_comes(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol, name="Tea")
    await alice.says(room, "hello")
    news = await bob.sync(filter={"room": {"timeline": {"limit": 1}}})
    assert members(news, room) == {alice.user_id, bob.user_id, carol.user_id}
