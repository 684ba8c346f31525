"""What a measurement is: rows to fill, a world to prepare once, figures to take in a round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from bench.world import World

# A curve is a figure for each of several sizes.
Curve = dict[int, float]
Figures = dict[str, float | Curve]


class Row(Struct, frozen=True):
    """One line of the report, with its target.

    The target is a multiple or a fraction of the peer's figure, or of the same
    server's figure in another row (`beside`). A curve must stay `flat`.
    """

    key: str
    title: str
    unit: str
    at_least: float = 0
    at_most: float = 0
    beside: str = ""
    flat: bool = False


class Measurement:
    """Lives as long as its world: `prepare` once, `measure` in every round."""

    name: ClassVar[str]
    rows: ClassVar[tuple[Row, ...]]
    # Curves and crowds are taken in the last round only.
    once: ClassVar[bool] = False
    # Seconds after which a measurement is given up.
    limit: ClassVar[float] = 300

    def __init__(self, world: World) -> None:
        self.world = world
        self.sizes = world.sizes

    async def prepare(self) -> None:
        """Make the people and rooms that it needs."""

    async def measure(self) -> Figures:
        raise NotImplementedError


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    ranked = sorted(values)
    return ranked[max(0, min(len(ranked) - 1, round(share * len(ranked) + 0.5) - 1))]


def in_ms(seconds: float) -> float:
    return seconds * 1000
