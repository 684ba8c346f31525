"""A data directory, the command, and a running server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from qingxin.__main__ import main

Run = Callable[..., "Outcome"]


class Outcome(NamedTuple):
    """What a command said and its exit code."""

    code: int
    out: str
    err: str


class Served(NamedTuple):
    """A server in a child process."""

    url: str
    data: Path
    child: "subprocess.Popen[str]"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QINGXIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QINGXIN_PASSWORD_COST", "low")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def qingxin(capsys: pytest.CaptureFixture[str], data: Path) -> Run:
    """Run a command on the data directory, or `at` another one."""

    def run(*words: str | Path, at: Path = data) -> Outcome:
        capsys.readouterr()
        code = main([*map(str, words), "--data", str(at)])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def served(data: Path) -> Iterator[Served]:
    """A server on a free port, ready for requests."""
    command = [
        sys.executable,
        "-m",
        "qingxin",
        "serve",
        "--data",
        str(data),
        "--listen",
        "127.0.0.1:0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        ready = child.stdout.readline()
        assert ready.startswith("Qingxin is at http://127.0.0.1:")
        yield Served(ready.split()[-1], data, child)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
