"""The generated pages of docs/reference. `make docs` writes them, a test compares them."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import qingxin.api
from qingxin.commands import template
from qingxin.errors import MatrixError
from tests.architecture.sources import ROOT

FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    """Every generated page with the text that it has to have."""
    return {
        FOLDER / "settings.md": _page(
            "Settings",
            "qingxin/config.py",
            "In `qingxin.toml` under these names; in the environment as `QINGXIN_` and the name in"
            " capitals; on the command line as `--set name=value`. The latter win.",
            _table(("setting", "values", "default", "meaning"), _settings()),
        ),
        FOLDER / "errors.md": _page(
            "Errors",
            "qingxin/errors.py",
            'Every refusal is JSON: `{"errcode": "M_…", "error": "a sentence"}` with a status.',
            _table(("status", "errcode", "class", "meaning"), _errors()),
        ),
        FOLDER / "routes.md": _page(
            "Routes",
            "the endpoints below qingxin/api",
            "Who may call each: `anyone`; `maybe`: anyone, but a token is recognised; `member`:"
            " whoever is signed in; `moderator`. The last column names the budget of requests.",
            _table(("method", "path", "who", "budget"), _routes()),
        ),
    }


def _page(title: str, source: str, text: str, table: str) -> str:
    return f"# {title}\n\n<!-- `make docs` writes this from {source}. -->\n\n{text}\n\n{table}"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    return "".join(_row(cells) for cells in (head, ("---",) * len(head), *rows))


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _settings() -> Iterator[tuple[str, ...]]:
    for each in template.described():
        yield f"`{each.name}`", each.values, f"`{each.default}`", each.meaning


def _errors() -> Iterator[tuple[str, ...]]:
    ours = [each for each in _below(MatrixError) if each.__module__ == MatrixError.__module__]
    found = sorted(ours, key=lambda each: (each.status, each.code, each.__name__))
    for each in found:
        yield str(each.status), f"`{each.code}`", each.__name__, inspect.getdoc(each) or ""


def _below(kind: type[MatrixError]) -> Iterator[type[MatrixError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


class Endpoint(NamedTuple):
    """One row of the route table."""

    path: str
    method: str
    who: str
    limit: str


def endpoints() -> list[Endpoint]:
    """Every marked method of every class below qingxin.api."""
    found = set()
    for module in pkgutil.walk_packages(qingxin.api.__path__, "qingxin.api."):
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            for _, method in inspect.getmembers(kind, inspect.isfunction):
                for verb, path, who, limit in getattr(method, "routes", ()):
                    found.add(Endpoint(path, verb, str(who), limit))
    return sorted(found)


def _routes() -> Iterator[tuple[str, ...]]:
    for each in endpoints():
        yield each.method, f"`{each.path}`", each.who, each.limit


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        path.write_text(text)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
