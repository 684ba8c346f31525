"""`qingxin demo`: makes a data directory with the sample world in it."""

import argparse
import asyncio
import os
import shutil
from pathlib import Path

from qingxin.app import App
from qingxin.commands.console import Problem, Progress, good
from qingxin.commands.options import FILE, Words, command, settings_of
from qingxin.config import Settings
from qingxin.demo import world
from qingxin.demo.cast import LOGINS, PASSWORD
from qingxin.store.database import Unusable


def add(words: Words) -> None:
    parser = command(
        words, "demo", "Fill an empty data directory with made-up people and conversations."
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    if not is_empty(chosen.data):
        raise Problem(f"{chosen.data} is not empty. The sample world goes into a new directory.")
    made = make(settings_of(chosen), chosen.data)
    good(f"{made.people} people, {made.rooms} rooms and {made.events} events are in {chosen.data}.")
    print(f"  Sign in as {LOGINS[0][0]} with the password {PASSWORD!r}.")
    return 0


def is_empty(data: Path) -> bool:
    """Whether nothing but settings is there."""
    return not data.exists() or {path.name for path in data.iterdir()} <= {FILE}


def make(settings: Settings, data: Path) -> world.Made:
    """Make the sample world beside `data`, and put it there when it is complete."""
    partial = data.absolute().with_name(f".{data.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    try:
        made = asyncio.run(_make(settings, partial))
        if (data / FILE).exists():
            os.replace(data / FILE, partial / FILE)
        os.replace(partial, data)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return made


async def _make(settings: Settings, data: Path) -> world.Made:
    try:
        async with App.open(settings, data) as app:
            if await app.accounts.all():
                raise Problem("There are people in this database already.")
        return await world.make(settings, data, Progress("Making the sample world"))
    except Unusable as problem:
        raise Problem(str(problem)) from problem
