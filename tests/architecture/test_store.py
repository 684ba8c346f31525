"""Only store/ knows which database it is, and each table is named by its owner alone."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import PACKAGE, Module, identifiers, modules, texts, words

DIALECTS = {"dialect", "sqlite", "sqlite3", "postgres", "postgresql", "asyncpg", "apsw"}
DIALECT_SQL = re.compile(r"\b(PRAGMA|sqlite_\w+|pg_\w+|AUTOINCREMENT|SERIAL|ILIKE|GLOB)\b")
PLACEHOLDER = re.compile(r"\b(WHERE|VALUES|SET|LIMIT)\b[^;]*(\?|\$\d|%s)")
TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+(\w+)")
SECOND_TABLE = re.compile(r"\bFROM\s+\w+(?:\s+(?:AS\s+)?\w+)?\s*,\s*(\w+)")
CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")
OWNER = re.compile(r"owner: (\w+)(?: \(([\w, ]+)\))?")
OWNERS_BY_FILE = {"line": "store"}


def _owners() -> dict[str, str]:
    """Table to package: by the comments `-- owner: log (events, state)`, else the file's name."""
    owners: dict[str, str] = {}
    for path in sorted((PACKAGE / "store" / "migrations").glob("*.sql")):
        text = path.read_text()
        word = path.stem.partition("_")[2]
        named = OWNER.findall(text)
        default = next((owner for owner, _ in named), OWNERS_BY_FILE.get(word, word))
        owners |= dict.fromkeys(CREATED.findall(text), default)
        for owner, tables in named:
            owners |= {table.strip(): owner for table in tables.split(",") if table.strip()}
    return owners


def _tables(module: Module) -> Iterator[tuple[str, int]]:
    """The tables that a module's SQL names, and those it inserts into."""
    for text, line in texts(module):
        for table in TABLE.findall(text) + SECOND_TABLE.findall(text):
            yield table, line
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="Insert"), args=[ast.Constant(value=str(table)), *_]):
                yield table, node.lineno


def test_every_owner_is_a_package() -> None:
    owners = _owners()
    assert owners
    assert {owner for owner in owners.values() if not (PACKAGE / owner).is_dir()} <= {"jobs"}


def test_a_table_is_named_by_its_owner_only() -> None:
    owners = _owners()
    assert [
        f"{module.where}:{line}: {table} belongs to {owners[table]}"
        for module in modules()
        for table, line in _tables(module)
        if table in owners and owners[table] != module.part and module.part != "store"
    ] == []


def test_no_name_outside_the_store_knows_the_dialect() -> None:
    assert [
        f"{module.where}:{line}: {name}"
        for module in modules()
        if module.part != "store"
        for name, line in identifiers(module)
        if words(name) & DIALECTS
    ] == []


def test_sql_outside_the_store_is_one_text_for_every_database() -> None:
    assert [
        f"{module.where}:{line}: {found[0]}"
        for module in modules()
        if module.part != "store"
        for text, line in texts(module)
        if (found := DIALECT_SQL.search(text) or PLACEHOLDER.search(text))
    ] == []
