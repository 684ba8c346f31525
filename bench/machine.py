"""The machine that the numbers belong to."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from msgspec import Struct


class Machine(Struct, frozen=True):
    cpu: str
    cores: int
    memory_gib: float
    system: str
    load_before: float

    def slug(self) -> str:
        """A name for files: the processor and its cores."""
        words = re.sub(r"[^a-z0-9]+", "-", self.cpu.lower()).strip("-")
        return f"{words}-{self.cores}-cores"


def this_machine() -> Machine:
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        memory_gib=round(pages * page / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        load_before=round(os.getloadavg()[0], 2),
    )


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
