"""What the documentation says is so."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.reference import pages
from tests.architecture.sources import PACKAGE, ROOT, Function

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"\b((?:\w+/)*\w+\.py):([\w.]+\w)")
PATH = re.compile(r"`((?:qingxin|tests|docs|bench)/[\w./]*)`")
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_the_reference_is_as_generated(path: Path) -> None:
    assert path.read_text() == pages()[path], "out of date: run `make docs` and commit"


def _definitions(path: Path) -> set[str]:
    """`name` and `Class.name` of everything that a module defines."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = {each.name for each in node.body if isinstance(each, Function)}
            found |= inner | {f"{node.name}.{name}" for name in inner}
    return found


def test_every_function_that_the_tour_names_exists() -> None:
    named = NAMED.findall((ROOT / "docs" / "tour.md").read_text())
    assert len(named) >= 6
    assert [
        f"{file}:{name}"
        for file, name in named
        if not (PACKAGE / file).is_file() or name not in _definitions(PACKAGE / file)
    ] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    assert [path for path in PATH.findall(text) if not (ROOT / path).exists()] == []


def test_decisions_are_numbered_once_and_say_when_to_look_again() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers) >= 5
    assert [path.name for path in decisions if "look again" not in path.read_text().lower()] == []
