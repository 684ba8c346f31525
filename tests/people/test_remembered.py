"""What is kept in memory, and when it is not."""

from qingxin.people.remembered import Remembered


def keep(memory: Remembered[str, int], key: str, value: int) -> None:
    with memory.reading(key) as reading:
        reading.keep(value)


def test_the_least_used_go_first() -> None:
    memory: Remembered[str, int] = Remembered(2)
    keep(memory, "a", 1)
    keep(memory, "b", 2)
    assert memory.get("a") == 1
    keep(memory, "c", 3)
    assert [memory.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_forgotten_while_it_is_read_is_not_kept() -> None:
    memory: Remembered[str, int] = Remembered(2)
    with memory.reading("a") as reading:
        memory.forget("a")
        assert reading.keep(1) == 1
    assert memory.get("a") is None
    keep(memory, "a", 2)
    assert memory.get("a") == 2
