"""The tail answers for what it holds, and says so where it does not."""

from qingxin.log.event import Event
from qingxin.log.tail import OVERHEAD, Tail

HERE, THERE = "!here:example.org", "!there:example.org"


def event(position: int, room_id: str = HERE, type: str = "m.room.message") -> Event:
    return Event(
        0, position, room_id, f"${position}", type, None, "@alice:example.org", 0, b"{}", b"",
        None, None, None, None, None, 0, None, None,
    )  # fmt: skip


def positions(events: list[Event] | None) -> list[int] | None:
    return None if events is None else [event.position for event in events]


def test_a_rooms_events_are_told_apart_and_in_order() -> None:
    tail = Tail(1 << 20)
    tail.start(10)
    for position, room_id in ((11, HERE), (12, THERE), (13, HERE)):
        tail.add(event(position, room_id))
    assert positions(tail.after(HERE, 10)) == [11, 13]
    assert positions(tail.after(HERE, 11)) == [13]
    assert positions(tail.after(THERE, 12)) == []


def test_before_its_floor_it_knows_nothing() -> None:
    tail = Tail(1 << 20)
    tail.start(10)
    tail.add(event(11))
    assert tail.after(HERE, 9) is None
    assert tail.newest(HERE, 11, 2) is None
    assert positions(tail.newest(HERE, 11, 1)) == [11]


def test_a_room_that_began_in_the_tail_is_known_whole() -> None:
    tail = Tail(1 << 20)
    tail.add(event(1, type="m.room.create"))
    tail.add(event(2))
    assert positions(tail.newest(HERE, 2, 50)) == [1, 2]


def test_what_came_later_than_asked_is_left_out() -> None:
    tail = Tail(1 << 20)
    tail.add(event(1, type="m.room.create"))
    for position in (2, 3, 4):
        tail.add(event(position))
    assert positions(tail.newest(HERE, 3, 2)) == [2, 3]


def test_the_oldest_give_way_and_the_floor_rises() -> None:
    tail = Tail(3 * (OVERHEAD + 2))
    for position in range(1, 6):
        tail.add(event(position))
    assert tail.floor == 2
    assert positions(tail.after(HERE, 2)) == [3, 4, 5]
    assert tail.after(HERE, 1) is None
    assert tail.find("$2") is None and tail.find("$3") is not None
