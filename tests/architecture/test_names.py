"""Names are the product's words."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Function, Module, modules, words

NEVER = {"manager", "handler", "service", "helper", "helpers", "util", "utils", "process", "misc"}


def _given(module: Module) -> Iterator[tuple[str, int]]:
    yield module.name.rpartition(".")[2], 1
    for node in ast.walk(module.tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name, node.lineno


def test_nothing_is_called_by_an_empty_word() -> None:
    assert [
        f"{module.where}:{line}: {name}"
        for module in modules()
        for name, line in _given(module)
        if words(name) & NEVER or name.lstrip("_").startswith("do_")
    ] == []


def _prose(module: Module) -> list[str]:
    """The lines of a module's docstring without blanks and drawings."""
    lines = (ast.get_docstring(module.tree) or "").splitlines()
    return [line for line in lines if line.strip() and not set(line) & set("├└│─→")]


def test_every_module_says_what_it_owns_in_five_lines() -> None:
    assert [module.where for module in modules() if not 1 <= len(_prose(module)) <= 5] == []
