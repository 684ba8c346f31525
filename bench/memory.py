"""What the server holds in memory after everything else was done to it."""

from __future__ import annotations

from bench.measurement import Figures, Measurement, Row


class Memory(Measurement):
    """Resident memory of all its processes, at the end of the round."""

    name = "memory"
    rows = (Row("memory", "memory (RSS) after all that", "MiB", at_most=1 / 2),)

    async def measure(self) -> Figures:
        return {"memory": self.world.server.memory()}
