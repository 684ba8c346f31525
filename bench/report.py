"""What a run found: medians over the rounds, ratios, and whether the targets are met."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from bench.machine import Machine
from bench.measurement import Curve, Figures, Row

RESULTS = Path(__file__).parent / "results"
OURS, PEER = "qingxin", "synapse"
# Up to here a curve counts as flat: the rest is noise on a shared machine.
FLAT = 1.25


class Run(Struct):
    """Everything that is written down of one run."""

    day: str
    machine: Machine
    versions: dict[str, str]
    rounds: int
    quick: bool
    sizes: dict[str, object]
    minutes: float = 0.0
    # By server: what each round measured.
    figures: dict[str, list[Figures]] = {}
    # Measurements that failed, in words.
    failures: list[str] = []

    def median(self, server: str, key: str) -> float | None:
        values = [v for v in self.values(server, key) if isinstance(v, (int, float))]
        return median(values) if values else None

    def spread(self, server: str, key: str) -> str:
        values = [v for v in self.values(server, key) if isinstance(v, (int, float))]
        return f"{number(min(values))} to {number(max(values))}" if len(values) > 1 else ""

    def curve(self, server: str, key: str) -> Curve | None:
        return next((v for v in self.values(server, key) if isinstance(v, dict)), None)

    def values(self, server: str, key: str) -> list[float | Curve]:
        return [figures[key] for figures in self.figures.get(server, []) if key in figures]


def markdown(run: Run, rows: list[Row]) -> str:
    """The whole report."""
    return "\n".join([*heading(run), *table(run, rows), *curves(run, rows), *remarks(run)]) + "\n"


def heading(run: Run) -> Iterator[str]:
    machine = run.machine
    cpu = f"{machine.cpu}, {machine.cores} cores"
    yield f"# Bench of {run.day}: {cpu}"
    yield ""
    yield f"- Machine: {cpu}, {machine.memory_gib} GiB, {machine.system}"
    yield f"- Load average before the run: {machine.load_before}"
    for version in run.versions.values():
        yield f"- {version}"
    yield f"- {run.rounds} rounds, alternating; medians of the rounds; {run.minutes:.0f} minutes"
    yield "- Client and server share the cores."
    yield "- Both servers hash passwords at low cost and limit no rates."
    if run.quick:
        yield "- Quick run: smaller sizes, so the targets are only a hint."
    yield ""


def table(run: Run, rows: list[Row]) -> Iterator[str]:
    yield "| | unit | Qingxin | Synapse | ratio | target | met | Qingxin's rounds | Synapse's |"
    yield "|---|---|--:|--:|--:|--:|---|---|---|"
    for row in rows:
        ours, peer = run.median(OURS, row.key), run.median(PEER, row.key)
        if ours is None and peer is None:
            continue
        other = run.median(OURS, row.beside) if row.beside else peer
        ratio = ours / other if ours is not None and other else None
        cells = [
            row.title.format(**run.sizes),
            row.unit,
            number(ours),
            number(peer),
            multiple(ratio),
            target(row),
            verdict(row, ratio),
            run.spread(OURS, row.key),
            run.spread(PEER, row.key),
        ]
        yield "| " + " | ".join(cells) + " |"
    yield ""


def curves(run: Run, rows: list[Row]) -> Iterator[str]:
    for row in rows:
        found = {server: run.curve(server, row.key) for server in (OURS, PEER)}
        sizes = sorted({size for curve in found.values() if curve for size in curve})
        if not sizes:
            continue
        yield f"**{row.title}** ({row.unit})"
        yield ""
        yield "| | " + " | ".join(f"{size:,}" for size in sizes) + " | largest ÷ smallest | flat |"
        yield "|---|" + "--:|" * len(sizes) + "--:|---|"
        for server, curve in found.items():
            if curve:
                cells = [number(curve.get(size)) for size in sizes]
                growth = curve[max(curve)] / curve[min(curve)]
                flat = "yes" if growth <= FLAT else "**no**"
                yield f"| {server.capitalize()} | {' | '.join(cells)} | {growth:.2f} × | {flat} |"
        yield ""


def remarks(run: Run) -> Iterator[str]:
    if run.failures:
        yield "Not measured:"
        yield ""
        yield from (f"- {failure}" for failure in run.failures)


def target(row: Row) -> str:
    if row.at_least:
        return f"≥ {row.at_least:g} ×" + (" alone" if row.beside else "")
    return f"≤ 1/{1 / row.at_most:g}" if row.at_most else ""


def verdict(row: Row, ratio: float | None) -> str:
    if ratio is None or not (row.at_least or row.at_most):
        return ""
    met = ratio >= row.at_least if row.at_least else ratio <= row.at_most
    return "yes" if met else "**no**"


def multiple(ratio: float | None) -> str:
    """A ratio as people say it: 12 ×, or 1/12."""
    if ratio is None or ratio == 0:
        return ""
    return f"{ratio:.3g} ×" if ratio >= 0.5 else f"1/{1 / ratio:.3g}"


def number(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def keep(run: Run, text: str, folder: Path = RESULTS) -> Path:
    """Write the report and its raw figures, named for the day and the machine."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{run.day}-{run.machine.slug()}" + ("-quick" if run.quick else "")
    raw = msgspec.json.format(msgspec.json.encode(run), indent=1)
    (folder / f"{stem}.json").write_bytes(raw + b"\n")
    path = folder / f"{stem}.md"
    path.write_text(text)
    return path
