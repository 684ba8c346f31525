"""Plays: conversations as text files, for the sample world.

A play begins with lines `key = value` about its room. `[2 days ago 08:15]` sets the time;
`alice: text` says something; `bob replies: text` and the rest of ACTS do something else. An
indented line is about the line before it, and several people may do the same at once.
"""

import re
from collections.abc import Iterator
from importlib import resources

from msgspec import Struct

TIME = re.compile(r"\[(?:(\d+) days? ago )?(\d\d):(\d\d)\]")
LINE = re.compile(
    r"(?P<people>[a-z, ]+?)(?: (?P<act>[a-z]+))?(?: (?P<what>[^\s:]+))?(?:: (?P<text>.+))?"
)
ACTS = {
    "says",
    "replies",
    "answers",
    "edits",
    "reacts",
    "votes",
    "pins",
    "removes",
    "asks",
    "shows",
}
DAY = 86_400_000


class Line(Struct, frozen=True):
    """Somebody does something, `ago` milliseconds before the midnight that ends today."""

    person: str
    act: str
    ago: int
    text: str = ""
    what: str = ""
    aside: bool = False  # about the line before


class Play(Struct, frozen=True):
    """One room, who is in it and what happens there."""

    name: str
    about: dict[str, str]
    lines: list[Line]

    def people(self) -> list[str]:
        """Who is in the room; the first one makes it."""
        return self.about["people"].split()

    def words(self, key: str) -> list[str]:
        return self.about.get(key, "").split()


class Misspelt(ValueError):
    """A play has a line that means nothing."""


def plays() -> Iterator[Play]:
    """Every play of the sample world, by name."""
    folder = resources.files("qingxin.demo") / "plays"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt"):
            yield read(file.name.removesuffix(".txt"), file.read_text("utf-8"))


def read(name: str, text: str) -> Play:
    """A play from its text. Raises Misspelt."""
    about: dict[str, str] = {}
    lines: list[Line] = []
    ago = 0
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip() or raw.startswith("#"):
            continue
        if not lines and not ago and (found := re.fullmatch(r"(\w+) = (.+)", raw)):
            about[found[1]] = found[2]
        elif found := TIME.fullmatch(raw.strip()):
            ago = _ago(*found.groups())
        else:
            lines += _lines(raw, ago, f"{name}:{number}")
            ago -= _pause(raw)
    return Play(name, about, lines)


def _ago(days: str | None, hours: str, minutes: str) -> int:
    return int(days or 0) * DAY + DAY - (int(hours) * 60 + int(minutes)) * 60_000


def _pause(raw: str) -> int:
    """Time to read and type a line: from some seconds to a minute or two."""
    return 4_000 + 700 * len(raw.encode())


def _lines(raw: str, ago: int, where: str) -> list[Line]:
    found = LINE.fullmatch(raw.strip())
    act = (found["act"] or "says") if found else ""
    act = {"react": "reacts", "vote": "votes"}.get(act, act)
    if not found or act not in ACTS:
        raise Misspelt(f"{where}: {raw.strip()!r}")
    aside = raw.startswith(" ")
    people = found["people"].replace(",", " ").split()
    return [
        Line(person, act, ago - 1500 * i, found["text"] or "", found["what"] or "", aside)
        for i, person in enumerate(people)
    ]
