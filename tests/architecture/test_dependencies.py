"""What is imported is declared, what is declared is imported, and the lock has all of it."""

import ast
import re
import sys
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.sources import ROOT, modules

IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "nats-py": "nats",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
}
BY_NAME = {"httptools"}  # uvicorn loads it because we name it
PINNED = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
GROUPS = [
    Requirement(text)
    for group in PROJECT["dependency-groups"].values()
    for text in group
    if isinstance(text, str)
]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def _foreign() -> set[str]:
    """The packages of others that Qingxin imports."""
    found = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"qingxin"}


def _pinned(lock: str) -> dict[str, Version]:
    return {name: Version(version) for name, version in PINNED.findall((ROOT / lock).read_text())}


def test_imports_and_declared_dependencies_are_the_same() -> None:
    declared = {IMPORTED_AS.get(each.name, each.name) for each in DECLARED}
    assert _foreign() | BY_NAME == declared


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_every_dependency_in_a_version_that_fits(lock: str) -> None:
    wanted = DECLARED if lock == LOCKS[0] else DECLARED + GROUPS
    pinned = _pinned(lock)
    assert [
        str(each)
        for each in wanted
        if each.name not in pinned or pinned[each.name] not in each.specifier
    ] == [], "run `make lock` and commit"


def test_the_tests_run_on_what_is_served() -> None:
    served, tested = (_pinned(lock) for lock in LOCKS)
    assert served.items() <= tested.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert text.count("--hash=sha256:") >= len(_pinned(lock))
    assert "://" not in text
