"""Presence, by the clock alone."""

import pytest

from qingxin.clock import HandClock
from qingxin.people.presence import LASTS, Presence

ALICE, BOB = "@alice:example.org", "@bob:example.org"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def presence(clock: HandClock, heard: list[str]) -> Presence:
    return Presence(clock, heard.append)


def states(presence: Presence, after: int) -> dict[str, str]:
    return {status.user_id: status.state for status in presence.changed(after)}


def test_who_syncs_is_online_and_goes_by_not_syncing(
    presence: Presence, clock: HandClock, heard: list[str]
) -> None:
    presence.seen(ALICE, "online")
    clock.move(LASTS - 1)
    presence.seen(ALICE, "online")
    assert (presence.of(ALICE).state, heard) == ("online", [ALICE])
    clock.move(LASTS)
    assert (presence.of(ALICE).state, heard) == ("offline", [ALICE, ALICE])


def test_changes_are_asked_for_by_number(presence: Presence, clock: HandClock) -> None:
    start = presence.number
    presence.seen(ALICE, "online")
    middle = presence.number
    presence.seen(BOB, "unavailable")
    assert start < middle < presence.number
    assert states(presence, start) == {ALICE: "online", BOB: "unavailable"}
    assert states(presence, middle) == {BOB: "unavailable"}
    assert states(presence, presence.number) == {}
    clock.move(LASTS)
    assert states(presence, middle) == {ALICE: "offline", BOB: "offline"}
    assert states(presence, 0) == {}


def test_numbers_rise_over_another_kind_of_change(clock: HandClock) -> None:
    presence = Presence(clock, floor=lambda: clock.now() + 50)
    presence.seen(ALICE, "online")
    assert presence.number == clock.now() + 51


def test_the_most_present_device_is_shown(presence: Presence, clock: HandClock) -> None:
    presence.seen(ALICE, "online", "PHONE")
    presence.seen(ALICE, "unavailable", "LAPTOP")
    assert presence.of(ALICE).state == "online"
    clock.move(LASTS // 2)
    presence.seen(ALICE, "unavailable", "LAPTOP")
    clock.move(LASTS // 2)
    assert presence.of(ALICE).state == "unavailable"
    presence.seen(ALICE, "offline", "LAPTOP")
    assert presence.of(ALICE).state == "offline"


def test_who_says_offline_is_so_on_every_device(presence: Presence) -> None:
    presence.seen(ALICE, "online", "PHONE")
    presence.set(ALICE, "offline", "Asleep", "LAPTOP")
    status = presence.of(ALICE)
    assert (status.state, status.message) == ("offline", "Asleep")


def test_a_new_message_is_news(presence: Presence, heard: list[str]) -> None:
    presence.set(ALICE, "online", "Hello")
    before = presence.number
    presence.set(ALICE, "online", "Hello")
    assert presence.number == before
    presence.set(ALICE, "online", "Goodbye")
    assert presence.number > before and heard == [ALICE, ALICE]
    assert presence.content(presence.of(ALICE))["status_msg"] == "Goodbye"


def test_the_event_says_how_long_ago(presence: Presence, clock: HandClock) -> None:
    presence.seen(ALICE, "online")
    clock.move(1500)
    assert presence.event(presence.of(ALICE)) == (
        b'{"type":"m.presence","sender":"@alice:example.org","content":{"presence":"online",'
        b'"last_active_ago":1500,"currently_active":true}}'
    )


def test_somebody_forgotten_comes_back_as_new(presence: Presence, clock: HandClock) -> None:
    presence.seen(ALICE, "online")
    presence.forget(ALICE)
    clock.move(LASTS)
    presence.sweep()
    assert presence.of(ALICE).state == "offline"


def test_syncing_often_costs_no_memory(presence: Presence, clock: HandClock) -> None:
    for _ in range(500):
        presence.seen(ALICE, "online", "PHONE")
        clock.move(1000)
        presence.sweep()
    assert presence.of(ALICE).state == "online"
    assert len(presence._deadlines) == 1
    clock.move(LASTS)
    assert presence.of(ALICE).state == "offline" and presence._deadlines == []
