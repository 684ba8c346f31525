"""Imports go downward only, and packages of one layer never import one another."""

from tests.architecture.sources import Module, imports, modules

LAYERS = [
    {"__main__"},
    {"commands"},
    {"demo"},
    {"app"},
    {"api"},
    {"sync"},
    {"integrity", "attention", "search"},
    {"rooms", "media"},
    {"log", "people"},
    {"jobs"},
    {"store"},
    {"config", "errors", "ids", "clock"},
]
HEIGHT = {part: -depth for depth, parts in enumerate(LAYERS) for part in parts}
COMPOSES = {"app", "demo", "commands", "__main__"}
EVERYWHERE = {"", "__version__"}  # the package itself


def _upward(module: Module) -> list[str]:
    return [
        f"{module.where}:{line}: {module.part} may not import {target}"
        for target, line in imports(module)
        if (part := target.partition(".")[0]) not in EVERYWHERE | {module.part}
        and HEIGHT[part] >= HEIGHT[module.part]
    ]


def test_every_part_has_its_layer() -> None:
    parts = {module.part for module in modules()} - EVERYWHERE
    assert parts <= set(HEIGHT), f"give a layer to {sorted(parts - set(HEIGHT))}"


def test_imports_go_downward_only() -> None:
    assert [found for module in modules() if module.part for found in _upward(module)] == []


def test_the_package_itself_imports_nothing() -> None:
    (root,) = (module for module in modules() if not module.part)
    assert list(imports(root)) == []


def test_only_what_composes_knows_the_application() -> None:
    assert [
        f"{module.where}:{line}"
        for module in modules()
        if module.part not in COMPOSES
        for target, line in imports(module)
        if target.partition(".")[0] == "app"
    ] == []
