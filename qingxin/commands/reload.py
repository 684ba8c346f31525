"""Start the server anew whenever a source file changes, for those who work on it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import sleep

SOURCES = Path(__file__).parents[1]
WATCHED = "QINGXIN_WATCHED"  # set for the server that somebody else restarts
PAUSE = 0.5  # seconds between two looks


def is_watched() -> bool:
    return WATCHED in os.environ


def watch() -> int:
    """Run this same command line as a child for ever, restarting it on every change."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    while True:
        before = _times()
        child = subprocess.Popen(
            [sys.executable, "-m", "qingxin", *sys.argv[1:]], env=_environment()
        )
        try:
            while _times() == before:
                sleep(PAUSE)
            print("A source file has changed: starting anew.", flush=True)
        finally:
            child.terminate()
            child.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, WATCHED: "1"}


def _times() -> dict[Path, int]:
    found = (*SOURCES.rglob("*.py"), *SOURCES.rglob("*.sql"))
    return {path: path.stat().st_mtime_ns for path in found if path.exists()}
