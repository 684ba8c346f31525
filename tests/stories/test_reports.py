"""Telling the moderators (spec: client-server-api/#reporting-content)."""

from tests.stories.answers import refused
from tests.stories.cast import Person, part


async def test_a_message_a_room_and_a_person_are_reported(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await bob.says(room, "buy!")
    body = {"reason": "spam", "score": -100}
    await alice.post(f"/rooms/{part(room)}/report/{part(message)}", body)
    await alice.post(f"/rooms/{part(room)}/report", {"reason": "spam"})
    await alice.post(f"/users/{part(bob.user_id)}/report", {"reason": "spam"})


async def test_a_report_changes_nothing_in_the_room(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    message = await bob.says(room, "buy!")
    await bob.hears()
    await alice.post(f"/rooms/{part(room)}/report/{part(message)}", {"reason": "spam"})
    assert (await bob.hears()).rooms() == {}


async def test_what_one_cannot_see_one_cannot_report(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.creates(bob)
    message = await bob.says(room, "private")
    with refused(404, "M_NOT_FOUND"):
        await carol.post(f"/rooms/{part(room)}/report/{part(message)}", {"reason": "nosy"})
    with refused(404, "M_NOT_FOUND"):
        await alice.post(f"/rooms/{part(room)}/report/$nothing", {"reason": "spam"})
