"""The `:names` in a SQL text, as each database wants them: one text serves them all."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

TOKEN = re.compile(
    r"""'(?:[^']|'')*' | --[^\n]*
    | \b (?P<negated>NOT\s+)? IN \s* :(?P<many>[a-z_]\w*)
    | (?<!:) :(?P<one>[a-z_]\w*)""",
    re.VERBOSE | re.IGNORECASE,
)
POSTGRES_TYPES = {int: "bigint", bool: "bigint", str: "text", bytes: "bytea", float: "float8"}

Kinds = tuple[tuple[str, str], ...]  # what each parameter is, by name


@lru_cache(4096)
def lists(text: str) -> tuple[str, ...]:
    """The names that stand for lists, after IN."""
    return tuple(many for match in TOKEN.finditer(text) if (many := match["many"]))


@lru_cache(4096)
def is_silent(text: str) -> bool:
    """Whether the statement changes something and returns no rows."""
    upper = text.lstrip().upper()
    return upper.startswith(("UPDATE", "DELETE", "INSERT")) and "RETURNING" not in upper


@lru_cache(4096)
def for_sqlite(text: str, in_hex: frozenset[str] = frozenset()) -> str:
    """Lists travel as one JSON text, so that their length does not change the statement."""

    def replace(match: re.Match[str]) -> str:
        if not (many := match["many"]):
            return match[0]
        value = "unhex(value)" if many in in_hex else "value"
        return f"{match['negated'] or ''}IN (SELECT {value} FROM json_each(:{many}))"

    return TOKEN.sub(replace, text)


def kinds_of(params: Mapping[str, Any]) -> Kinds:
    """PostgreSQL's type for every value; NULL and the empty list are written out."""
    return tuple((name, _kind(value)) for name, value in params.items())


def _kind(value: Any) -> str:
    if (kind := POSTGRES_TYPES.get(type(value))) is not None:
        return kind
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"{_kind(next(iter(value)))}[]" if value else "'{}'"
    for base, kind in POSTGRES_TYPES.items():
        if isinstance(value, base):
            return kind
    raise TypeError(f"No column holds a {type(value).__name__}.")


@lru_cache(8192)
def for_postgres(text: str, kinds: Kinds) -> tuple[str, tuple[str, ...]]:
    """The text with numbered, typed parameters, and their names in that order.

    Typed, since PostgreSQL would otherwise take `:number + 1` for 32 bits.
    """
    kind_by_name, order = dict(kinds), dict[str, int]()

    def placed(name: str) -> str:
        kind = kind_by_name[name]
        if kind in ("NULL", "'{}'"):
            return kind
        return f"${order.setdefault(name, len(order) + 1)}::{kind}"

    def replace(match: re.Match[str]) -> str:
        if many := match["many"]:
            return f"{'<> ALL' if match['negated'] else '= ANY'}({placed(many)})"
        return placed(match["one"]) if match["one"] else match[0]

    return TOKEN.sub(replace, text), tuple(order)
