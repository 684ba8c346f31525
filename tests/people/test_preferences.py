"""Account data in the line."""

import asyncio
from typing import Any

import pytest

from qingxin.errors import TooLarge
from qingxin.people.preferences import LARGEST, AccountData, AccountDataChanged, Preferences
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from tests.people.parts import People

ALICE, ROOM = "@alice:example.org", "!r:example.org"


async def test_changes_are_found_by_their_position(people: People) -> None:
    first = await people.preferences.put(ALICE, "m.direct", {"a": 1})
    second = await people.preferences.put(ALICE, "m.direct", b'{"a": 2}')
    third = await people.preferences.put(ALICE, "m.direct", {}, room_id=ROOM)
    await people.preferences.put("@bob:example.org", "m.direct", {})
    assert await people.preferences.changed(ALICE, first, third) == [
        AccountData(None, "m.direct", b'{"a": 2}'),
        AccountData(ROOM, "m.direct", b"{}"),
    ]
    assert await people.preferences.changed(ALICE, second, second) == []
    assert await people.preferences.changed(ALICE, 0, first) == []  # overwritten since
    assert len(await people.preferences.all(ALICE)) == 2


async def test_the_line_hears_what_changed(people: People) -> None:
    heard: list[Any] = []
    people.line.listen(lambda committed: heard.extend(e for _, e in committed))
    await people.preferences.put(ALICE, "m.direct", {"a": 1}, room_id=ROOM)
    (entry,) = heard
    assert (entry.user_id, entry.room_id) == (ALICE, ROOM)
    assert entry.news == AccountDataChanged(ALICE, "m.direct")


async def test_puts_at_once_end_with_the_last(people: People) -> None:
    puts = [people.preferences.put(ALICE, "m.example", {"n": n}) for n in range(20)]
    positions = await asyncio.gather(*puts)
    assert sorted(positions) == list(positions) and len(set(positions)) == 20
    assert await people.preferences.get(ALICE, "m.example") == b'{"n":19}'


async def test_a_tag_set_beside_a_put_sees_it(people: People) -> None:
    await asyncio.gather(
        people.preferences.put(ALICE, "m.tag", {"tags": {"u.a": {}}}, room_id=ROOM),
        people.preferences.tag(ALICE, ROOM, "u.b", {"order": 1}),
    )
    assert await people.preferences.tags(ALICE, ROOM) == {"u.a": {}, "u.b": {"order": 1}}


async def test_two_processes_do_not_lose_each_others_tags(people: People) -> None:
    line = Line(people.database)
    running = asyncio.create_task(line.run())
    elsewhere = Preferences(people.database, line)
    both = [people.preferences, elsewhere]
    await asyncio.gather(*(both[n % 2].tag(ALICE, ROOM, f"u.{n}", {}) for n in range(10)))
    running.cancel()
    assert len(await people.preferences.tags(ALICE, ROOM)) == 10


async def test_too_much_is_refused_alone(people: People) -> None:
    answers = await asyncio.gather(
        people.preferences.put(ALICE, "m.big", b'"' + b"x" * LARGEST + b'"'),
        people.preferences.put(ALICE, "m.small", {}),
        return_exceptions=True,
    )
    assert isinstance(answers[0], TooLarge)
    assert await people.preferences.get(ALICE, "m.small") == b"{}"
    assert await people.preferences.get(ALICE, "m.big") is None


@pytest.mark.parametrize("ignored", [["@bob:example.org"], []])
async def test_ignored_users_are_known_at_once(people: People, ignored: list[str]) -> None:
    assert await people.preferences.ignored(ALICE) == frozenset()
    content = {"ignored_users": {user_id: {} for user_id in ignored}}
    await people.preferences.put(ALICE, "m.ignored_user_list", content)
    assert await people.preferences.ignored(ALICE) == frozenset(ignored)


async def test_what_another_process_wrote_is_caught_up_with(postgres: Postgres) -> None:
    here, there = Line(postgres), Line(postgres)
    running = asyncio.create_task(there.run())
    ours, theirs = Preferences(postgres, here), Preferences(postgres, there)
    await here.refresh()
    assert await ours.ignored(ALICE) == frozenset()
    content = {"ignored_users": {"@bob:example.org": {}}}
    await theirs.put(ALICE, "m.ignored_user_list", content)
    running.cancel()
    await here.refresh()
    assert await ours.ignored(ALICE) == {"@bob:example.org"}
