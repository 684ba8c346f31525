"""Who is there (spec: client-server-api/#presence)."""

import asyncio

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.test_sync import SOON, waiting


async def sets_presence(person: Person, presence: str, status: str | None = None) -> None:
    body = {"presence": presence} | ({"status_msg": status} if status else {})
    await person.put(f"/presence/{part(person.user_id)}/status", body)


async def test_one_says_whether_one_is_there(alice: Person) -> None:
    await sets_presence(alice, "unavailable", "at lunch")
    answer = await alice.get(f"/presence/{part(alice.user_id)}/status")
    assert answer["presence"] == "unavailable"
    assert answer["status_msg"] == "at lunch"


async def test_people_who_share_a_room_see_it(alice: Person, bob: Person) -> None:
    await alice.creates(bob)
    await alice.hears()
    await bob.hears()
    await alice.hears()
    await sets_presence(bob, "unavailable", "at lunch")
    seen = (await alice.hears(timeout=60_000)).presence()
    assert seen[bob.user_id]["presence"] == "unavailable"
    assert seen[bob.user_id]["status_msg"] == "at lunch"


async def test_a_change_wakes(alice: Person, bob: Person) -> None:
    await alice.creates(bob)
    await bob.hears()
    await alice.hears()
    task = await waiting(alice)
    await sets_presence(bob, "unavailable", "at lunch")
    assert bob.user_id in (await asyncio.wait_for(task, SOON)).presence()


async def test_strangers_do_not_see_it(alice: Person, bob: Person) -> None:
    await sets_presence(bob, "online", "here")
    await alice.hears()
    await sets_presence(bob, "unavailable")
    assert bob.user_id not in (await alice.hears()).presence()
    with refused(403, "M_FORBIDDEN"):
        await alice.get(f"/presence/{part(bob.user_id)}/status")


async def test_nobody_says_it_for_somebody_else(alice: Person, bob: Person) -> None:
    with refused(403, "M_FORBIDDEN"):
        await bob.put(f"/presence/{part(alice.user_id)}/status", {"presence": "online"})


async def test_an_unknown_presence_is_refused(alice: Person) -> None:
    for body in ({"presence": "asleep"}, {"presence": 1}, {}):
        answer = await alice.call("PUT", f"/presence/{part(alice.user_id)}/status", body)
        assert answer.status == 400, answer


async def test_a_sync_shows_that_one_is_there_unless_one_asks_not_to(alice: Person) -> None:
    await sets_presence(alice, "offline")
    await alice.sync(set_presence="offline")
    path = f"/presence/{part(alice.user_id)}/status"
    assert (await alice.get(path))["presence"] == "offline"
    await alice.sync()
    assert (await alice.get(path))["presence"] == "online"
