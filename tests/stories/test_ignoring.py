"""People one does not want to hear (spec: client-server-api/#ignoring-users)."""

from tests.stories.cast import Person
from tests.stories.news import texts


async def test_what_an_ignored_person_says_is_not_heard(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob, carol)
    await alice.ignores(bob)
    await alice.hears()
    await bob.says(room, "buy!")
    await carol.says(room, "hello")
    assert (await alice.hears()).texts(room) == ["hello"]
    assert await alice.timeline(room) == ["hello"]
    assert (await carol.sync()).texts(room) == ["buy!", "hello"]


async def test_what_they_do_to_the_room_still_shows(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.promotes(room, bob, 50)
    await alice.ignores(bob)
    await alice.hears()
    await bob.sets(room, "m.room.name", {"name": "Bob's"})
    assert (await alice.hears()).timeline(room)[-1]["content"] == {"name": "Bob's"}


async def test_their_invitations_do_not_show(alice: Person, bob: Person) -> None:
    await alice.ignores(bob)
    room = await bob.creates()
    await bob.invites(room, alice)
    assert (await alice.sync()).rooms("invite") == {}


async def test_their_receipts_and_typing_do_not_show(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await alice.says(room, "hello")
    await alice.ignores(bob)
    await alice.hears()
    await bob.reads(room, message)
    await bob.types(room)
    news = await alice.hears()
    assert news.receipts(room) == []
    assert not news.typing(room)


async def test_they_do_not_count_as_unread(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.ignores(bob)
    await bob.says(room, "buy!")
    assert (await alice.sync()).counts(room) == (0, 0)


async def test_who_is_no_longer_ignored_is_heard_again(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.ignores(bob)
    await bob.says(room, "buy!")
    await alice.ignores()
    await bob.says(room, "sorry")
    assert await alice.timeline(room) == ["buy!", "sorry"]


async def test_surroundings_leave_them_out(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.says(room, "buy!")
    message = await alice.says(room, "hello")
    await alice.ignores(bob)
    context = await alice.context(room, message)
    assert texts(context["events_before"]) == []


async def test_a_malformed_list_ignores_nobody(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    for content in ({"ignored_users": [bob.user_id]}, {"ignored_users": 1}, {}, {"x": None}):
        await alice.keeps("m.ignored_user_list", content)
        await bob.says(room, "hello")
    assert len(await alice.timeline(room)) == 4
