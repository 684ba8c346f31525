"""How one SQL text becomes what each database takes."""

from typing import Any

import pytest

from qingxin.store.conflicts import without_repetition
from qingxin.store.database import Insert, Row
from qingxin.store.names import for_postgres, for_sqlite, kinds_of

POSTGRES: list[tuple[str, dict[str, Any], str, tuple[str, ...]]] = [
    ("SELECT 1", {}, "SELECT 1", ()),
    ("a = :a", {"a": 1}, "a = $1::bigint", ("a",)),
    ("a < :a OR b = :b OR :a = c", {"b": "x", "a": b""},
        "a < $1::bytea OR b = $2::text OR $1::bytea = c", ("a", "b")),
    ("a = :a", {"a": None}, "a = NULL", ()),
    ("a = :a", {"a": 1.5}, "a = $1::float8", ("a",)),
    ("a = :a", {"a": True}, "a = $1::bigint", ("a",)),
    ("a IN :a", {"a": ["x"]}, "a = ANY($1::text[])", ("a",)),
    ("a not in :a", {"a": (1, 2)}, "a <> ALL($1::bigint[])", ("a",)),
    ("a IN :a", {"a": set()}, "a = ANY('{}')", ()),
    ("a = ':a' -- :a\n AND b = :b", {"b": 1}, "a = ':a' -- :a\n AND b = $1::bigint", ("b",)),
    ("a = 'it''s :a' AND b = :b", {"b": 1}, "a = 'it''s :a' AND b = $1::bigint", ("b",)),
    ("min(:a)", {"a": 1}, "min($1::bigint)", ("a",)),
    ("a = :a", {"a": 1, "unused": 2}, "a = $1::bigint", ("a",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "params", "expected", "order"), POSTGRES)
def test_postgres_takes_numbered_and_typed_parameters(
    text: str, params: dict[str, Any], expected: str, order: tuple[str, ...]
) -> None:
    assert for_postgres(text, kinds_of(params)) == (expected, order)


def test_sqlite_takes_lists_as_json() -> None:
    assert for_sqlite("a = :a AND b IN :b") == ("a = :a AND b IN (SELECT value FROM json_each(:b))")
    assert for_sqlite("a NOT IN :a OR ':a IN :a'") == (
        "a NOT IN (SELECT value FROM json_each(:a)) OR ':a IN :a'"
    )
    assert for_sqlite("a IN :a", frozenset({"a"})) == (
        "a IN (SELECT unhex(value) FROM json_each(:a))"
    )


def test_a_parameter_that_is_missing_is_our_mistake() -> None:
    with pytest.raises(KeyError, match="name"):
        for_postgres("a = :name", kinds_of({"other": 1}))


def test_a_value_that_no_column_holds_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="complex"):
        kinds_of({"a": 1j})


CONFLICTS: list[tuple[str, list[list[Row]]]] = [
    ("", [[("a", 1), ("b", 2), ("a", 3)]]),
    ("(k) DO NOTHING", [[("a", 1), ("b", 2), ("a", 3)]]),
    ("(k) DO UPDATE SET n = excluded.n", [[("a", 3), ("b", 2)]]),
    ("(k) DO UPDATE SET n = excluded.n RETURNING n", [[("a", 1), ("b", 2)], [("a", 3)]]),
    ("(k) DO UPDATE SET n = t.n + excluded.n", [[("a", 1), ("b", 2)], [("a", 3)]]),
    ("(k) do update set n = max(t.n, excluded.n)", [[("a", 1), ("b", 2)], [("a", 3)]]),
    ("(k) DO UPDATE SET n = excluded.n WHERE t.n < 5", [[("a", 1), ("b", 2)], [("a", 3)]]),
    ("(k, n) DO UPDATE SET n = t.n + 1", [[("a", 1), ("b", 2), ("a", 3)]]),
    ("(k) WHERE n > 0 DO UPDATE SET n = excluded.n", [[("a", 3), ("b", 2)]]),
]


@pytest.mark.parametrize(("conflict", "parts"), CONFLICTS)
def test_no_statement_changes_a_row_twice(conflict: str, parts: list[list[Row]]) -> None:
    insert = Insert("t", ("k", "n"), [("a", 1), ("b", 2), ("a", 3)], conflict)
    assert [list(part) for part in without_repetition(insert)] == parts


def test_columns_that_a_conflict_leaves_alone_come_from_the_first_row() -> None:
    rows = [("a", 1, "first"), ("a", 2, "second")]
    insert = Insert("t", ("k", "n", "m"), rows, "(k) DO UPDATE SET n = excluded.n")
    assert [list(part) for part in without_repetition(insert)] == [[rows[0]], [rows[1]]]
