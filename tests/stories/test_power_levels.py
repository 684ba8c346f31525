"""Who may do what.

spec: client-server-api/#mroompower_levels, rooms/v11/#authorization-rules
"""

from typing import Any

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part


async def test_the_creator_has_all_power_and_the_others_none(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, room_version="11")
    levels = await alice.state(room, "m.room.power_levels")
    assert levels["users"] == {alice.user_id: 100}
    assert levels["users_default"] == 0
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.name", {"name": "Bob's"})


async def test_who_is_promoted_may_do_more(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.promotes(room, bob, 50)
    await bob.sets(room, "m.room.name", {"name": "Bob's"})
    await alice.promotes(room, bob, 0)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.name", {"name": "Again"})


async def test_one_may_step_down_but_not_up_again(alice: Person) -> None:
    room = await alice.opens(room_version="11")
    await alice.promotes(room, alice, 40)
    with refused(403, "M_FORBIDDEN"):
        await alice.promotes(room, alice, 100)


async def test_a_type_may_need_more_than_the_default(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.sets_levels(room, events={"m.room.message": 10, "m.room.topic": 0})
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "hello")
    await bob.sets(room, "m.room.topic", {"topic": "free"})
    await bob.sends(room, "org.example.other", {})


async def test_a_silent_room_takes_reactions_from_all_if_so_set(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.sets_levels(room, events_default=50, events={"m.reaction": 0})
    message = await alice.says(room, "news")
    await bob.reacts(room, message)
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "me too")


async def test_nobody_gives_more_power_than_they_have(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.opens(bob, carol)
    await alice.sets_levels(
        room, events={"m.room.power_levels": 50}, users={alice.user_id: 100, bob.user_id: 50}
    )
    with refused(403, "M_FORBIDDEN"):
        await bob.promotes(room, carol, 51)
    await bob.promotes(room, carol, 50)
    with refused(403, "M_FORBIDDEN"):
        await bob.promotes(room, carol, 0)  # an equal by now
    with refused(403, "M_FORBIDDEN"):
        await bob.promotes(room, alice, 0)
    for above in ({"ban": 60}, {"users_default": 60}, {"events": {"m.room.name": 60}}):
        with refused(403, "M_FORBIDDEN"):
            await bob.sets_levels(room, **above)


async def test_levels_above_ones_own_are_not_lowered_either(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.sets_levels(
        room, ban=80, events={"m.room.power_levels": 50, "org.example.rare": 90},
        users={alice.user_id: 100, bob.user_id: 50},
    )  # fmt: skip
    with refused(403, "M_FORBIDDEN"):
        await bob.sets_levels(room, ban=10)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets_levels(room, events={"m.room.power_levels": 50})


@pytest.mark.parametrize("level", ["50", 50.5, None, [], True])
async def test_a_level_is_an_integer(alice: Person, level: Any) -> None:
    room = await alice.creates(room_version="11")
    levels = await alice.state(room, "m.room.power_levels")
    for content in ({**levels, "ban": level}, {**levels, "users": {alice.user_id: level}}):
        answer = await alice.call("PUT", f"/rooms/{part(room)}/state/m.room.power_levels/", content)
        assert answer.status == 400, answer
        assert answer.code in ("M_BAD_JSON", "M_INVALID_PARAM"), answer


async def test_before_room_version_10_a_level_may_be_a_text(alice: Person) -> None:
    room = await alice.creates(room_version="9")
    await alice.sets_levels(room, users={alice.user_id: "100"}, ban="75")
    assert (await alice.state(room, "m.room.power_levels"))["ban"] == "75"
    await alice.sets(room, "m.room.name", {"name": "still in power"})


async def test_the_users_of_power_levels_are_user_ids(alice: Person) -> None:
    room = await alice.creates(room_version="11")
    answer = await alice.call(
        "PUT", f"/rooms/{part(room)}/state/m.room.power_levels/",
        {"users": {alice.user_id: 100, "bob": 50}},
    )  # fmt: skip
    assert answer.status in (400, 403), answer


async def test_inviting_may_need_power(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates(bob)
    await bob.invites(room, carol)
    await alice.kicks(room, carol)
    await alice.sets_levels(room, invite=10)
    with refused(403, "M_FORBIDDEN"):
        await bob.invites(room, carol)


async def test_without_power_levels_the_creator_rules(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, room_version="11")
    await alice.sets(room, "m.room.power_levels", {})
    with refused(403, "M_FORBIDDEN"):
        await bob.kicks(room, alice)


async def test_state_under_a_user_id_is_that_users_only(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.sets_levels(room, state_default=0)
    await bob.sets(room, "org.example.hat", {"hat": "red"}, bob.user_id)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "org.example.hat", {"hat": "none"}, alice.user_id)


async def test_creators_of_room_version_12_stand_above_all_levels(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.opens(
        bob, room_version="12", creation_content={"additional_creators": [bob.user_id]}
    )
    levels = await alice.state(room, "m.room.power_levels")
    assert alice.user_id not in levels.get("users", {})
    await alice.sets_levels(room, events={"m.room.name": 100}, state_default=100)
    for creator in (alice, bob):
        await creator.sets(room, "m.room.name", {"name": creator.localpart})
    await carol.joins(room)
    await bob.promotes(room, carol, 100)
    for target in (alice, bob):
        with refused(403, "M_FORBIDDEN"):
            await carol.kicks(room, target)
    await alice.kicks(room, carol)


async def test_a_creators_power_is_never_written_down_in_room_version_12(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob, room_version="12")
    answer = await alice.call(
        "PUT", f"/rooms/{part(room)}/state/m.room.power_levels/", {"users": {alice.user_id: 100}}
    )
    assert answer.status in (400, 403), answer
    answer = await alice.call(
        "POST", "/createRoom",
        {"room_version": "12", "power_level_content_override": {"users": {alice.user_id: 100}}},
    )  # fmt: skip
    assert answer.status == 400, answer


async def test_a_room_of_version_12_is_named_after_its_creation(alice: Person) -> None:
    room = await alice.creates(room_version="12")
    create = next(e for e in await alice.whole_state(room) if e["type"] == "m.room.create")
    assert room == "!" + create["event_id"][1:]
    assert ":" not in room


async def test_trusted_guests_of_a_version_12_room_are_creators(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob, room_version="12", preset="trusted_private_chat")
    create = await alice.state(room, "m.room.create")
    assert create["additional_creators"] == [bob.user_id]


async def test_additional_creators_are_user_ids(alice: Person) -> None:
    for wrong in ("bob", ["bob"], [1]):
        answer = await alice.call(
            "POST", "/createRoom",
            {"room_version": "12", "creation_content": {"additional_creators": wrong}},
        )  # fmt: skip
        assert answer.status == 400, answer


async def test_tombstones_need_more_than_ordinary_state_in_room_version_12(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob, room_version="12")
    await alice.promotes(room, bob, 100)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.tombstone", {"body": "over", "replacement_room": room})


async def test_nobody_lets_others_notify_a_room_above_their_own_power(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob)
    await alice.sets_levels(
        room, events={"m.room.power_levels": 50}, users={alice.user_id: 100, bob.user_id: 50},
        notifications={"room": 60},
    )  # fmt: skip
    with refused(403, "M_FORBIDDEN"):
        await bob.sets_levels(room, notifications={"room": 40})
    with refused(403, "M_FORBIDDEN"):
        await bob.sets_levels(room, notifications={"room": 70})


async def test_empty_levels_may_be_filled_again(alice: Person) -> None:
    room = await alice.creates(room_version="10")
    await alice.sets(room, "m.room.power_levels", {"users": {alice.user_id: 100}})
    await alice.sets_levels(room, kick=20)
    assert (await alice.state(room, "m.room.power_levels"))["kick"] == 20
