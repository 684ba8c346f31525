"""The sources of Qingxin as the architecture tests see them: parsed, never imported."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "qingxin"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One file: `name` is dotted without the leading `qingxin.`, `part` its first segment."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    @property
    def where(self) -> str:
        return str(self.path.relative_to(ROOT))


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        found.append(Module(_name(path), path, ast.parse(text), text.count("\n")))
    return tuple(found)


def _name(path: Path) -> str:
    segments = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(segment for segment in segments if segment != "__init__")


def imports(module: Module) -> Iterator[tuple[str, int]]:
    """Every module of Qingxin that `module` imports, without the leading `qingxin.`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.where}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("qingxin."):
                yield name.removeprefix("qingxin."), node.lineno


def functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


def texts(module: Module) -> Iterator[tuple[str, int]]:
    """Every piece of text in the code, those of f-strings included."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def identifiers(module: Module) -> Iterator[tuple[str, int]]:
    """Every name that the code uses or gives."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.alias(name=name):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno


def words(identifier: str) -> set[str]:
    """The words of a name in snake or camel case: `LastSeen_at` is last, seen, at."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", identifier)}
