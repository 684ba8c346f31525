"""Values read from the database and kept in memory, the least used of which go first."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Reading(Generic[V]):
    """A read under way; forgetting its key meanwhile makes what it finds too old to keep."""

    def __init__(self) -> None:
        self.value: V | None = None
        self.outdated = False

    def keep(self, value: V) -> V:
        self.value = value
        return value


class Remembered(Generic[K, V]):
    """At most `most` values by key. None cannot be one of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._readings: dict[K, list[Reading[V]]] = {}

    def get(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    @contextmanager
    def reading(self, key: K) -> Iterator[Reading[V]]:
        """Wrap the read of a missing value; what it `keep`s is remembered, unless forgotten."""
        reading: Reading[V] = Reading()
        under_way = self._readings.setdefault(key, [])
        under_way.append(reading)
        try:
            yield reading
            if reading.value is not None and not reading.outdated:
                self._keep(key, reading.value)
        finally:
            under_way.remove(reading)
            if not under_way:
                self._readings.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        for key in self._readings:
            self.forget(key)

    def forget(self, key: K) -> None:
        self._values.pop(key, None)
        for reading in self._readings.get(key, ()):
            reading.outdated = True

    def _keep(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
