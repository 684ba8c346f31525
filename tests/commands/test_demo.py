from pathlib import Path

import pytest

from qingxin.demo import world
from qingxin.demo.cast import CAST, PASSWORD
from qingxin.demo.play import DAY, Misspelt, plays, read
from tests.commands.conftest import Run, Served
from tests.commands.test_user import sign_in


def test_everybody_in_a_play_is_in_the_cast_and_time_goes_forward() -> None:
    cast = {person.name for person in CAST}
    for play in plays():
        assert set(play.people()) <= cast, play.name
        assert {line.person for line in play.lines} <= set(play.people()), play.name
        times = [line.ago for line in play.lines]
        assert times == sorted(times, reverse=True), play.name


def test_a_play_is_read_line_by_line() -> None:
    play = read(
        "lunch",
        "title = Lunch\npeople = alice bob\n\n[2 days ago 12:00]\n"
        "alice asks: Where? | Here | There\n  bob votes 1\n  alice, bob react 🍜\n",
    )
    assert [(line.person, line.act, line.what, line.text) for line in play.lines] == [
        ("alice", "asks", "", "Where? | Here | There"),
        ("bob", "votes", "1", ""),
        ("alice", "reacts", "🍜", ""),
        ("bob", "reacts", "🍜", ""),
    ]
    assert play.lines[0].ago == 2 * DAY + DAY // 2
    assert [line.aside for line in play.lines] == [False, True, True, True]


@pytest.mark.parametrize("line", ["alice sings: la", "Alice: Hello", "???"])
def test_a_line_that_means_nothing_is_found(line: str) -> None:
    with pytest.raises(Misspelt):
        read("odd", f"people = alice\n[12:00]\n{line}\n")


def test_the_sample_world_is_made_once_and_can_be_signed_in_to(
    qingxin: Run, data: Path, request: pytest.FixtureRequest
) -> None:
    made = qingxin("demo")
    assert made.code == 0, made.err
    assert f"{len(CAST)} people" in made.out
    assert qingxin("demo").code == 1
    assert list(data.parent.glob(".*.partial")) == []
    served: Served = request.getfixturevalue("served")
    assert sign_in(served.url, "alice", PASSWORD).status_code == 200


@pytest.mark.parametrize("hour", [0, 6, 12, 23])
def test_nothing_in_the_sample_world_is_in_the_future(hour: int) -> None:
    now = 1_900_000_000_000 + hour * 3_600_000
    newest = min(line.ago for play in plays() for line in play.lines)
    assert now - DAY < world.midnight_after(now, newest) - newest <= now
