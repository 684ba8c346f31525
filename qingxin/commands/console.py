"""What a command shows: marks, tables, a progress bar, and colours where somebody looks."""

import getpass
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import TextIO

Report = Callable[[int, int], None]  # what is done so far, out of how much

GREEN, RED, YELLOW, DIM, BOLD = "32", "31", "33", "2", "1"


class Problem(Exception):
    """A command cannot be carried out; the message is for the person who typed it."""


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    stream = stream or sys.stdout
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{colour}m{text}\033[0m"


def good(text: str) -> None:
    print(coloured("✓", GREEN), text)


def doubtful(text: str) -> None:
    print(coloured("!", YELLOW), text)


def bad(text: str) -> None:
    print(coloured("✗", RED), text)


def say_problem(text: str) -> None:
    print(coloured("✗", RED, sys.stderr), text, file=sys.stderr)


def width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        cells = (cell + " " * (room - width(cell)) for cell, room in zip(line, widths, strict=True))
        text = "  ".join(cells).rstrip()
        print(coloured(text, BOLD) if number == 0 else text)


class Progress:
    """A bar on a terminal, nothing but its end elsewhere. Call it with what is done so far."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._shown = 0.0

    def __call__(self, done: int, total: int) -> None:
        if not self._stream.isatty() or (monotonic() - self._shown < 0.05 and done < total):
            return
        self._shown = monotonic()
        share = done / total if total else 1.0
        bar = "█" * round(share * 24)
        self._stream.write(f"\r{self._title} {bar:░<24} {share:4.0%}")
        if done >= total:
            self._stream.write("\r\033[K")
        self._stream.flush()


def ask_password() -> str:
    """A new password, typed twice. Raises Problem."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password (empty: make one up): ")
    if password and getpass.getpass("Once more: ") != password:
        raise Problem("These were two different passwords.")
    return password


def size(count: int) -> str:
    """Bytes as a person says it."""
    amount, units = float(count), ["bytes", "KB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"
