"""Names and faces, and how rooms learn of them.

spec: client-server-api/#profiles
"""

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find


async def test_a_name_and_a_picture_are_seen_by_anybody(alice: Person, bob: Person) -> None:
    await alice.is_called("Alice")
    await alice.shows("mxc://example.org/face")
    profile = (await bob.get(f"/profile/{part(alice.user_id)}")).body
    assert profile["displayname"] == "Alice"
    assert profile["avatar_url"] == "mxc://example.org/face"
    name = await bob.get(f"/profile/{part(alice.user_id)}/displayname")
    assert name.body == {"displayname": "Alice"}


async def test_nobody_changes_somebody_elses_name(alice: Person, bob: Person) -> None:
    with refused(403, "M_FORBIDDEN"):
        await bob.put(f"/profile/{part(alice.user_id)}/displayname", {"displayname": "Fool"})


async def test_a_new_name_is_news_in_every_room(alice: Person, bob: Person, carol: Person) -> None:
    with_bob, with_carol = await alice.creates(bob), await alice.creates(carol)
    for person in (bob, carol):
        await person.hears()
    await alice.is_called("Queen Alice")
    for person, room in ((bob, with_bob), (carol, with_carol)):
        member = find(
            (await person.hears(timeout=20_000)).timeline(room), "m.room.member", alice.user_id
        )
        assert member["content"] == {"membership": "join", "displayname": "Queen Alice"}
        assert member["unsigned"]["prev_content"]["displayname"] == alice.localpart


async def test_a_new_face_goes_with_the_name(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.is_called("Alice")
    await alice.shows("mxc://example.org/face")
    member = await bob.state(room, "m.room.member", alice.user_id)
    assert member["displayname"] == "Alice"
    assert member["avatar_url"] == "mxc://example.org/face"


async def test_what_was_said_before_keeps_the_old_name_in_the_past(
    alice: Person, bob: Person
) -> None:
    room = await alice.creates(bob)
    await alice.is_called("Before")
    message = await alice.says(room, "hello")
    await alice.says(room, "and")
    await alice.is_called("After")
    context = await bob.context(room, message, limit=0)
    member = find(context["state"], "m.room.member", alice.user_id)
    assert member["content"]["displayname"] == "Before"


async def test_a_name_of_ones_own_for_a_room_lasts_until_the_next_change(
    alice: Person, bob: Person
) -> None:
    room, other = await alice.creates(bob), await alice.creates(bob)
    content = {"membership": "join", "displayname": "Doctor Alice"}
    await alice.sets(room, "m.room.member", content, alice.user_id)
    assert (await bob.state(room, "m.room.member", alice.user_id))["displayname"] == "Doctor Alice"
    there = await bob.state(other, "m.room.member", alice.user_id)
    assert there["displayname"] == alice.localpart


async def test_an_invitation_and_a_join_carry_the_guests_face(alice: Person, bob: Person) -> None:
    await bob.is_called("Bob")
    room = await alice.creates()
    await alice.invites(room, bob)
    assert (await alice.state(room, "m.room.member", bob.user_id))["displayname"] == "Bob"
    await bob.joins(room)
    assert (await alice.state(room, "m.room.member", bob.user_id))["displayname"] == "Bob"


async def test_a_name_is_taken_away(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.is_called("Alice")
    await alice.delete(f"/profile/{part(alice.user_id)}/displayname")
    with refused(404, "M_NOT_FOUND"):
        await bob.get(f"/profile/{part(alice.user_id)}/displayname")
    assert "displayname" not in await bob.state(room, "m.room.member", alice.user_id)


async def test_other_fields_are_kept_too(alice: Person, bob: Person) -> None:
    field = "org.example.pronouns"
    await alice.put(f"/profile/{part(alice.user_id)}/{field}", {field: ["she", "her"]})
    profile = (await bob.get(f"/profile/{part(alice.user_id)}")).body
    assert profile[field] == ["she", "her"]


async def test_names_that_are_no_text_are_refused(alice: Person) -> None:
    for value in (1, [], {}, True):
        answer = await alice.call(
            "PUT", f"/profile/{part(alice.user_id)}/displayname", {"displayname": value}
        )
        assert answer.status == 400, answer


async def test_people_are_found_by_the_names_they_have(alice: Person, bob: Person) -> None:
    await alice.opens(bob)
    await bob.is_called(f"Robert {bob.localpart}")
    found = (
        await alice.post("/user_directory/search", {"search_term": f"robert {bob.localpart}"})
    )["results"]
    assert [(one["user_id"], one["display_name"]) for one in found] == [
        (bob.user_id, f"Robert {bob.localpart}")
    ]
