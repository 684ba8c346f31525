"""What PostgreSQL needs for an upsert: no statement may change one row twice."""

import re
from collections.abc import Iterator, Sequence

from qingxin.store.database import Insert, Row

TARGET = re.compile(
    r"\(([^()]*)\)\s*(?:WHERE .*?)?DO\s+UPDATE\s+SET\s+(.*)", re.DOTALL | re.IGNORECASE
)
OVERWRITES = re.compile(r"\s*(\w+)\s*=\s*excluded\.(\w+)\s*", re.IGNORECASE)


def without_repetition(insert: Insert) -> Iterator[Sequence[Row]]:
    """The rows in as many parts as a key occurs, to be inserted one after the other.

    Where a row merely overwrites the one before it, only the last of each key is kept.
    """
    match = TARGET.match(insert.conflict.lstrip())
    if match is None or len(insert.rows) < 2:
        yield insert.rows
        return
    key = [insert.columns.index(name.strip()) for name in match[1].split(",")]
    places: dict[Row, list[Row]] = {}
    for row in insert.rows:
        places.setdefault(tuple(row[i] for i in key), []).append(row)
    if _overwrites_all(match[2], {insert.columns[i] for i in key}, insert.columns):
        yield [rows[-1] for rows in places.values()]
        return
    for turn in range(max(len(rows) for rows in places.values())):
        yield [rows[turn] for rows in places.values() if turn < len(rows)]


def _overwrites_all(assignments: str, key: set[str], columns: tuple[str, ...]) -> bool:
    found = [OVERWRITES.fullmatch(each) for each in assignments.split(",")]
    plain = {match[1] for match in found if match and match[1] == match[2]}
    return all(found) and plain == set(columns) - key
