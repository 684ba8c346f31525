"""Coming in and going out: invitations, joining, knocking, leaving, being removed and banned.

spec: client-server-api/#room-membership
"""

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.news import find


async def test_an_invited_person_joins(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    assert await alice.membership(room, bob) == "invite"
    await bob.joins(room)
    assert await bob.membership(room) == "join"
    assert set((await bob.get(f"/rooms/{part(room)}/joined_members"))["joined"]) == {
        alice.user_id, bob.user_id
    }  # fmt: skip


async def test_a_private_room_is_not_joined_uninvited(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_anybody_joins_a_public_room(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    await bob.joins(room)
    await bob.says(room, "here I am")
    assert await alice.timeline(room) == ["here I am"]


async def test_joining_twice_changes_nothing(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    before = await bob.sync()
    await bob.joins(room)
    await bob.post(f"/rooms/{part(room)}/join")
    assert (await bob.sync(before.token)).timeline(room) == []


async def test_a_reason_goes_with_every_change(alice: Person, bob: Person) -> None:
    room = await alice.creates(initial_state=[])
    reasons = []

    async def reason_of(person: Person) -> str:
        return str((await alice.state(room, "m.room.member", person.user_id))["reason"])

    await alice.invites(room, bob, reason="come")
    reasons.append(await reason_of(bob))
    await bob.joins(room, reason="gladly")
    reasons.append(await reason_of(bob))
    await bob.leaves(room, reason="home")
    reasons.append(await reason_of(bob))
    await alice.bans(room, bob, reason="rude")
    reasons.append(await reason_of(bob))
    await alice.unbans(room, bob, reason="sorry")
    reasons.append(await reason_of(bob))
    await alice.invites(room, bob)
    await alice.kicks(room, bob, reason="after all not")
    reasons.append(await reason_of(bob))
    assert reasons == ["come", "gladly", "home", "rude", "sorry", "after all not"]


async def test_an_invitation_shows_what_the_room_is(alice: Person, bob: Person) -> None:
    room = await alice.creates(name="Tea", topic="Leaves")
    await alice.is_called("Alice")
    await alice.invites(room, bob)
    shown = (await bob.sync()).stripped(room)
    assert find(shown, "m.room.name")["content"] == {"name": "Tea"}
    assert find(shown, "m.room.join_rules")["content"]["join_rule"] == "invite"
    assert find(shown, "m.room.create")["sender"] == alice.user_id
    own = find(shown, "m.room.member", bob.user_id)
    assert own["content"]["membership"] == "invite" and own["sender"] == alice.user_id
    assert find(shown, "m.room.member", alice.user_id)["content"]["displayname"] == "Alice"
    assert all(set(event) >= {"type", "state_key", "content", "sender"} for event in shown)


async def test_an_invitation_can_be_declined(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    since = (await bob.sync()).token
    await bob.leaves(room)
    news = await bob.sync(since)
    assert room in news.rooms("leave")
    assert room not in (await bob.sync()).rooms("invite")
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_a_member_cannot_be_invited_again(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    with refused(403, "M_FORBIDDEN"):
        await alice.invites(room, bob)


async def test_somebody_outside_cannot_invite(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.creates()
    with refused(403, "M_FORBIDDEN"):
        await bob.invites(room, carol)


async def test_nobody_who_does_not_exist_is_invited(alice: Person) -> None:
    room = await alice.creates()
    answer = await alice.call(
        "POST", f"/rooms/{part(room)}/invite", {"user_id": "@ghost:example.org"}
    )
    assert answer.status in (403, 404), answer
    answer = await alice.call("POST", f"/rooms/{part(room)}/invite", {"user_id": "ghost"})
    assert (answer.status, answer.code) == (400, "M_INVALID_PARAM"), answer
    answer = await alice.call("POST", f"/rooms/{part(room)}/invite", {})
    assert answer.status == 400, answer


async def test_who_has_left_sees_nothing_that_comes_after(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await alice.says(room, "before")
    await bob.leaves(room)
    await alice.says(room, "after")
    assert await bob.timeline(room) == ["before"]
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room, "still here?")


async def test_leaving_twice_is_no_error(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await bob.leaves(room)


async def test_one_cannot_leave_where_one_never_was(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    answer = await bob.call("POST", f"/rooms/{part(room)}/leave", {})
    assert answer.status in (403, 404), answer


async def test_a_moderator_removes_a_member(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.kicks(room, bob, reason="spam")
    with refused(403, "M_FORBIDDEN"):
        await bob.says(room)
    await bob.joins(room)


async def test_an_invitation_is_taken_back_by_a_kick(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.invites(room, bob)
    await alice.kicks(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)
    assert room not in (await bob.sync()).rooms("invite")


async def test_ordinary_members_remove_nobody(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.opens(bob, carol)
    for act in (bob.kicks, bob.bans):
        for target in (carol, alice):
            with refused(403, "M_FORBIDDEN"):
                await act(room, target)


async def test_moderators_do_not_remove_their_equals(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob, room_version="11")
    await alice.promotes(room, bob, 100)
    for act in (alice.kicks, alice.bans):
        with refused(403, "M_FORBIDDEN"):
            await act(room, bob)


async def test_who_is_not_there_cannot_be_kicked(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    with refused(403, "M_FORBIDDEN"):
        await alice.kicks(room, bob)
    await bob.joins(room)
    await bob.leaves(room)
    with refused(403, "M_FORBIDDEN"):
        await alice.kicks(room, bob)


async def test_a_banned_person_stays_out_until_unbanned(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.bans(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)
    with refused(403, "M_FORBIDDEN"):
        await alice.invites(room, bob)
    await alice.unbans(room, bob)
    assert await alice.membership(room, bob) == "leave"
    await bob.joins(room)


async def test_somebody_who_never_was_there_can_be_banned(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    await alice.bans(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_only_the_banned_are_unbanned(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    with refused(403, "M_FORBIDDEN"):
        await alice.unbans(room, bob)


async def test_a_banned_person_does_not_unban_themselves(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.bans(room, bob)
    for act in (lambda: bob.unbans(room, bob), lambda: bob.leaves(room)):
        with refused(403, "M_FORBIDDEN"):
            await act()
    assert await alice.membership(room, bob) == "ban"


async def test_a_room_is_forgotten_after_it_was_left(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.says(room, "hello")
    with refused(400, "M_UNKNOWN"):
        await bob.forgets(room)
    await bob.leaves(room)
    await bob.forgets(room)
    with refused(403, "M_FORBIDDEN"):
        await bob.messages(room)
    everything = {"room": {"include_leave": True}}
    assert room not in (await bob.sync(filter=everything)).rooms("leave")


async def test_a_forgotten_room_comes_back_when_one_joins_again(alice: Person, bob: Person) -> None:
    room = await alice.opens(bob)
    await alice.says(room, "before")
    await bob.leaves(room)
    await bob.forgets(room)
    await bob.joins(room)
    assert room in (await bob.sync()).rooms()
    assert await bob.timeline(room) == ["before"]


async def test_one_can_be_invited_again_to_a_forgotten_room(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    await bob.leaves(room)
    await bob.forgets(room)
    await alice.invites(room, bob)
    assert room in (await bob.sync()).rooms("invite")


async def test_a_room_that_one_was_removed_from_can_be_forgotten(
    alice: Person, bob: Person
) -> None:
    room = await alice.opens(bob)
    await alice.bans(room, bob)
    await bob.forgets(room)
    await alice.unbans(room, bob)


async def knocking_room(host: Person, rule: str = "knock", **wish: object) -> str:
    rules = [{"type": "m.room.join_rules", "content": {"join_rule": rule, "allow": []}}]
    return await host.creates(initial_state=rules, **wish)


async def test_who_knocks_is_let_in_by_an_invitation(alice: Person, bob: Person) -> None:
    room = await knocking_room(alice, name="Tea")
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)
    await bob.knocks(room, reason="may I?")
    assert await alice.state(room, "m.room.member", bob.user_id) == {
        "membership": "knock", "reason": "may I?", "displayname": bob.localpart
    }  # fmt: skip
    shown = (await bob.sync()).stripped(room, "knock")
    assert find(shown, "m.room.name")["content"] == {"name": "Tea"}
    assert find(shown, "m.room.member", bob.user_id)["content"]["membership"] == "knock"
    await alice.invites(room, bob)
    await bob.joins(room)
    assert await bob.membership(room) == "join"


async def test_a_knock_is_taken_back_or_turned_down(alice: Person, bob: Person) -> None:
    room = await knocking_room(alice)
    await bob.knocks(room)
    await bob.leaves(room)
    assert await alice.membership(room, bob) == "leave"
    await bob.knocks(room)
    await alice.kicks(room, bob)
    since = (await bob.sync()).token
    assert room not in (await bob.sync()).rooms("knock")
    await bob.knocks(room)
    assert room in (await bob.sync(since)).rooms("knock")


async def test_a_knock_reaches_the_members(alice: Person, bob: Person) -> None:
    room = await knocking_room(alice)
    since = (await alice.sync()).token
    await bob.knocks(room)
    knock = (await alice.sync(since)).timeline(room)[-1]
    assert (knock["state_key"], knock["content"]["membership"]) == (bob.user_id, "knock")


@pytest.mark.parametrize("rule", ["invite", "public", "private"])
async def test_only_rooms_that_take_knocks_are_knocked_at(
    alice: Person, bob: Person, rule: str
) -> None:
    room = await knocking_room(alice, rule)
    with refused(403, "M_FORBIDDEN"):
        await bob.knocks(room)


async def test_neither_members_nor_the_banned_knock(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await knocking_room(alice)
    await alice.invites(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.knocks(room)
    await bob.joins(room)
    with refused(403, "M_FORBIDDEN"):
        await bob.knocks(room)
    await alice.bans(room, carol)
    with refused(403, "M_FORBIDDEN"):
        await carol.knocks(room)


async def test_old_room_versions_know_no_knocking(alice: Person, bob: Person) -> None:
    room = await knocking_room(alice, room_version="6")
    with refused(403, "M_FORBIDDEN"):
        await bob.knocks(room)


async def restricted_room(host: Person, neighbour: str, **wish: object) -> str:
    allow = [{"type": "m.room_membership", "room_id": neighbour}]
    rule = wish.pop("join_rule", "restricted")
    rules = [{"type": "m.room.join_rules", "content": {"join_rule": rule, "allow": allow}}]
    return await host.creates(initial_state=rules, **wish)


@pytest.mark.parametrize("version", ["8", "9", "10", "11", "12"])
async def test_members_of_a_neighbouring_room_join_a_restricted_one(
    alice: Person, bob: Person, carol: Person, version: str
) -> None:
    neighbour = await alice.opens(bob)
    room = await restricted_room(alice, neighbour, room_version=version)
    await bob.joins(room)
    member = await alice.state(room, "m.room.member", bob.user_id)
    assert member["join_authorised_via_users_server"] == alice.user_id
    with refused(403, "M_FORBIDDEN"):
        await carol.joins(room)


async def test_who_has_left_the_neighbouring_room_is_no_neighbour(
    alice: Person, bob: Person
) -> None:
    neighbour = await alice.opens(bob)
    room = await restricted_room(alice, neighbour)
    await bob.leaves(neighbour)
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_an_invitation_opens_a_restricted_room_to_anybody(alice: Person, bob: Person) -> None:
    room = await restricted_room(alice, await alice.creates())
    await alice.invites(room, bob)
    await bob.joins(room)


async def test_a_banned_neighbour_stays_out_of_a_restricted_room(
    alice: Person, bob: Person
) -> None:
    neighbour = await alice.opens(bob)
    room = await restricted_room(alice, neighbour)
    await alice.bans(room, bob)
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_with_knock_restricted_neighbours_join_and_others_knock(
    alice: Person, bob: Person, carol: Person
) -> None:
    neighbour = await alice.opens(bob)
    room = await restricted_room(alice, neighbour, join_rule="knock_restricted")
    await bob.joins(room)
    await carol.knocks(room)
    assert await alice.membership(room, carol) == "knock"


async def test_nobody_vouches_for_themselves(alice: Person, bob: Person) -> None:
    room = await restricted_room(alice, await alice.creates())
    content = {"membership": "join", "join_authorised_via_users_server": alice.user_id}
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.member", content, bob.user_id)


async def test_memberships_are_also_set_as_state(alice: Person, bob: Person) -> None:
    room = await alice.creates()
    await alice.sets(room, "m.room.member", {"membership": "invite"}, bob.user_id)
    await bob.sets(room, "m.room.member", {"membership": "join", "displayname": "B"}, bob.user_id)
    assert (await alice.state(room, "m.room.member", bob.user_id))["displayname"] == "B"
    await alice.sets(room, "m.room.member", {"membership": "ban"}, bob.user_id)
    with refused(403, "M_FORBIDDEN"):
        await bob.sets(room, "m.room.member", {"membership": "join"}, bob.user_id)


async def test_nobody_sets_somebody_elses_membership_to_join(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    for content in ({"membership": "join"}, {"membership": "knock"}):
        with refused(403, "M_FORBIDDEN"):
            await alice.sets(room, "m.room.member", content, bob.user_id)


@pytest.mark.parametrize("content", [{}, {"membership": "away"}, {"membership": 1}])
async def test_a_membership_that_is_none_is_refused(
    alice: Person, content: dict[str, object]
) -> None:
    room = await alice.creates()
    answer = await alice.call(
        "PUT", f"/rooms/{part(room)}/state/m.room.member/{part(alice.user_id)}", content
    )
    assert answer.status in (400, 403), answer


async def test_members_are_listed_and_chosen_by_membership(
    alice: Person, bob: Person, carol: Person, dave: Person
) -> None:
    room = await alice.opens(bob, carol)
    await alice.invites(room, dave)
    await carol.leaves(room)
    assert await alice.members(room) == {
        alice.user_id: "join", bob.user_id: "join", carol.user_id: "leave", dave.user_id: "invite"
    }  # fmt: skip
    joined = {alice.user_id: "join", bob.user_id: "join"}
    assert await alice.members(room, membership="join") == joined
    assert await alice.members(room, not_membership="leave") == joined | {dave.user_id: "invite"}


async def test_members_are_listed_as_of_a_point_in_time(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.opens(bob)
    await alice.says(room)
    then = (await alice.sync()).token
    await carol.joins(room)
    await bob.leaves(room)
    assert await alice.members(room, at=then, membership="join") == {
        alice.user_id: "join", bob.user_id: "join"
    }  # fmt: skip


async def test_who_has_left_lists_the_members_as_they_were(
    alice: Person, bob: Person, carol: Person
) -> None:
    room = await alice.opens(bob)
    await bob.leaves(room)
    await carol.joins(room)
    assert await bob.members(room) == {alice.user_id: "join", bob.user_id: "leave"}
    answer = await bob.call("GET", f"/rooms/{part(room)}/joined_members")
    assert answer.status in (200, 403), answer


async def test_outsiders_do_not_list_members(alice: Person, bob: Person) -> None:
    room = await alice.opens()
    for path in ("members", "joined_members"):
        with refused(403, "M_FORBIDDEN"):
            await bob.get(f"/rooms/{part(room)}/{path}")


async def test_joined_members_come_with_their_faces(alice: Person, bob: Person) -> None:
    await bob.is_called("Bob")
    await bob.shows("mxc://example.org/bob")
    room = await alice.opens(bob)
    joined = (await alice.get(f"/rooms/{part(room)}/joined_members"))["joined"]
    assert joined[bob.user_id] == {"display_name": "Bob", "avatar_url": "mxc://example.org/bob"}


@pytest.mark.parametrize(
    "allow",
    [
        None, "x", {}, ["x"], [{}], [{"type": "m.room_membership"}],
        [{"type": "m.room_membership", "room_id": 1}],
        [{"type": "m.room_membership", "room_id": "no room"}],
        [{"type": "org.example.other", "room_id": "{neighbour}"}],
    ],
)  # fmt: skip
async def test_mangled_conditions_let_nobody_in(alice: Person, bob: Person, allow: object) -> None:
    neighbour = await alice.opens(bob)
    if isinstance(allow, list) and allow and isinstance(allow[0], dict):
        allow = [{**allow[0], **({"room_id": neighbour} if "org" in str(allow) else {})}]
    rules = {"join_rule": "restricted", "allow": allow}
    room = await alice.creates(initial_state=[{"type": "m.room.join_rules", "content": rules}])
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)


async def test_a_changed_condition_holds_at_once(alice: Person, bob: Person) -> None:
    neighbour = await alice.opens(bob)
    room = await restricted_room(alice, await alice.creates())
    with refused(403, "M_FORBIDDEN"):
        await bob.joins(room)
    allow = [{"type": "m.room_membership", "room_id": neighbour}]
    await alice.sets(room, "m.room.join_rules", {"join_rule": "restricted", "allow": allow})
    await bob.joins(room)


async def test_nobody_bans_from_outside(alice: Person, bob: Person, carol: Person) -> None:
    room = await alice.opens(bob, carol)
    await alice.promotes(room, bob, 50)
    await bob.leaves(room)
    for act in (bob.bans, bob.kicks, bob.invites):
        with refused(403, "M_FORBIDDEN"):
            await act(room, carol)
