"""The lines of table.txt."""

from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One line: a request, and the statuses with which it ends for these callers."""

    method: str
    path: str
    who: str
    owner: int
    other: int
    moderator: int
    body: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


def row(line: str) -> Row:
    method, path, who, owner, others, *body = line.split(None, 5)
    other, _, moderator = others.partition("/")
    return Row(
        method,
        path if path.startswith("/") else f"/_matrix/client/{path}",
        who,
        int(owner),
        int(other),
        int(moderator or other),
        body[0] if body else "{}" if method in ("PUT", "POST") else "",
    )


LINES = Path(__file__).with_name("table.txt").read_text().splitlines()
TABLE = [row(line) for line in LINES if line and not line.startswith("#")]
