"""Budgets: so many at once, then so many a second."""

import pytest

from qingxin.api import limits
from qingxin.api.limits import BUDGETS, Limits
from qingxin.clock import HandClock
from qingxin.errors import LimitExceeded


def wait(budgets: Limits, name: str, key: str) -> int:
    """How long somebody has to wait, in ms; 0 for not at all."""
    try:
        budgets.draw(name, key)
    except LimitExceeded as error:
        return int(error.fields["retry_after_ms"])
    return 0


@pytest.mark.parametrize("name", sorted(BUDGETS))
def test_a_burst_is_let_through_and_then_a_stream(name: str) -> None:
    clock, budget = HandClock(), BUDGETS[name]
    budgets = Limits(clock)
    assert [wait(budgets, name, "alice") for _ in range(budget.burst)] == [0] * budget.burst
    pause = wait(budgets, name, "alice")
    assert pause == pytest.approx(1000 / budget.rate, abs=1)
    for _ in range(5):
        clock.move(pause)
        assert wait(budgets, name, "alice") == 0
    assert wait(budgets, name, "alice") > 0


def test_people_and_budgets_do_not_share() -> None:
    budgets = Limits(HandClock())
    while not wait(budgets, "create", "alice"):
        pass
    assert wait(budgets, "create", "bob") == wait(budgets, "send", "alice") == 0


def test_looking_takes_nothing() -> None:
    budgets = Limits(HandClock())
    for _ in range(100):
        budgets.check("login-failed", "alice")
    while not wait(budgets, "login-failed", "alice"):
        pass
    with pytest.raises(LimitExceeded):
        budgets.check("login-failed", "alice")


def test_limits_can_be_off() -> None:
    budgets = Limits(HandClock(), on=False)
    assert {wait(budgets, "create", "alice") for _ in range(1000)} == {0}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    budgets = Limits(HandClock())
    for n in range(50):
        budgets.draw("read", str(n))
    assert len(budgets._full_at) == 10
