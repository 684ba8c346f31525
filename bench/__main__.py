"""The bench: `python -m bench --help`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import signal
import sys
from dataclasses import asdict
from datetime import date
from time import perf_counter

import uvloop

from bench import report
from bench.bystanders import Bystanders
from bench.deliveries import Deliveries
from bench.fanout import Fanout
from bench.first_sync import FirstSync
from bench.growth import SendByLength, SendByMembers, SyncByRooms
from bench.history import History
from bench.incremental_sync import IncrementalSync
from bench.joins import Joins
from bench.machine import this_machine
from bench.measurement import Figures, Measurement
from bench.memory import Memory
from bench.sends import Sends
from bench.servers import SERVERS, WORKSHOP, DidNotStart, Server
from bench.sizes import FULL, QUICK, for_peer
from bench.world import World

# In the order in which a round takes them: syncs from cold first, memory after all.
MEASUREMENTS: tuple[type[Measurement], ...] = (
    FirstSync,
    IncrementalSync,
    History,
    Sends,
    Deliveries,
    Fanout,
    Joins,
    Memory,
    SendByLength,
    SendByMembers,
    SyncByRooms,
    Bystanders,
)


class Contestant:
    """A server with its world and the measurements that live in it."""

    def __init__(self, server: Server, world: World, kinds: list[type[Measurement]]) -> None:
        self.server = server
        self.world = world
        self.measurements = [kind(world) for kind in kinds]

    async def play(self, run: report.Run, last: bool) -> None:
        """One round: start the server, take every measurement, stop it."""
        self.server.start()
        figures: Figures = {}
        run.figures.setdefault(self.server.name, []).append(figures)
        try:
            for measurement in self.measurements:
                if last or not measurement.once:
                    await self.take(measurement, figures, run)
        finally:
            self.server.stop()

    async def prepare(self, run: report.Run) -> None:
        """Make the world; a measurement whose part of it cannot be made is left out."""
        self.server.start()
        try:
            for measurement in list(self.measurements):
                try:
                    async with asyncio.timeout(measurement.limit * 2):
                        await measurement.prepare()
                except Exception as problem:
                    self.measurements.remove(measurement)
                    self.give_up(measurement, problem, run)
        finally:
            self.server.stop()

    async def take(self, measurement: Measurement, figures: Figures, run: report.Run) -> None:
        gc.collect()
        await self.world.settle()
        try:
            with self.world.progress(f"measure {measurement.name}"):
                async with asyncio.timeout(measurement.limit):
                    found = await measurement.measure()
        except Exception as problem:
            self.give_up(measurement, problem, run)
            return
        figures.update(found)
        for key, value in found.items():
            print(f"      {key} = {in_words(value)}", file=sys.stderr)

    def give_up(self, measurement: Measurement, problem: Exception, run: report.Run) -> None:
        words = f"{self.server.name}, {measurement.name}: {type(problem).__name__} {problem}"
        print(f"  {words}", file=sys.stderr)
        run.failures.append(words)


def in_words(value: float | dict[int, float]) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{size:,}: {report.number(each)}" for size, each in value.items())
    return report.number(value)


def arguments() -> argparse.Namespace:
    names = ", ".join(kind.name for kind in MEASUREMENTS)
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure Qingxin beside Synapse: same machine, same client, alternating.",
        epilog=f"Measurements: {names}.",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each server (3; quick: 1)")
    parser.add_argument("--only", help="take only these measurements, with commas between them")
    parser.add_argument("--quick", action="store_true", help="small sizes: about three minutes")
    parser.add_argument("--peer", choices=["synapse", "none"], default="synapse")
    parser.add_argument("--ours", choices=["qingxin", "none"], default="qingxin")
    parser.add_argument(
        "--minutes", type=float, default=45, help="stop after so long and report what there is (45)"
    )
    parser.add_argument("--dry", action="store_true", help="print the report, write no results")
    parser.add_argument("--keep", action="store_true", help="leave the servers' data in var/bench")
    return parser.parse_args()


def chosen(only: str | None) -> list[type[Measurement]]:
    known = {kind.name: kind for kind in MEASUREMENTS}
    names = only.split(",") if only else list(known)
    if unknown := set(names) - set(known):
        sys.exit(f"Not a measurement: {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
    return [kind for name, kind in known.items() if name in names]


async def bench(options: argparse.Namespace) -> None:
    kinds = chosen(options.only)
    sizes = QUICK if options.quick else FULL
    rounds = options.rounds or (1 if options.quick else 3)
    contestants = [
        Contestant(server, World(server, for_peer(sizes) if name == report.PEER else sizes), kinds)
        for name in (options.ours, options.peer)
        if name != "none"
        for server in [SERVERS[name](WORKSHOP / name)]
    ]
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    for one in contestants:
        one.server.install()
    versions = {one.server.name: one.server.version() for one in contestants}
    run = report.Run(
        day=date.today().isoformat(),
        machine=this_machine(),
        versions=versions,
        rounds=rounds,
        quick=options.quick,
        sizes=asdict(sizes),
    )
    try:
        await play(contestants, run, options.minutes)
    except DidNotStart as problem:
        sys.exit(str(problem))
    rows = [row for kind in kinds for row in kind.rows]
    text = report.markdown(run, rows)
    print(text)
    if not options.dry:
        print(f"Written to {report.keep(run, text)} and the .json beside it.", file=sys.stderr)
    if not options.keep:
        shutil.rmtree(WORKSHOP, ignore_errors=True)


async def play(contestants: list[Contestant], run: report.Run, minutes: float) -> None:
    """Every round of everybody, in turn, as far as the time goes."""
    start = perf_counter()
    try:
        async with asyncio.timeout(minutes * 60):
            await rounds(contestants, run)
    except TimeoutError:
        run.failures.append(f"the run was stopped after {minutes:g} minutes")
    run.minutes = round((perf_counter() - start) / 60, 1)


async def rounds(contestants: list[Contestant], run: report.Run) -> None:
    for one in contestants:
        print(f"world of {one.server.name}", file=sys.stderr)
        await one.prepare(run)
    for number in range(1, run.rounds + 1):
        for one in contestants:
            print(f"round {number} of {run.rounds}: {one.server.name}", file=sys.stderr)
            await one.play(run, last=number == run.rounds)


async def until_told(options: argparse.Namespace) -> None:
    """Run, and stop the servers also when somebody ends the run."""
    task = asyncio.ensure_future(bench(options))
    for reason in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(reason, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        sys.exit("stopped")


if __name__ == "__main__":
    uvloop.run(until_told(arguments()))
