"""`qingxin restore`: makes a data directory out of a backup."""

import argparse
import asyncio
import os
import shutil
from pathlib import Path

from qingxin import config
from qingxin.commands import archive
from qingxin.commands.console import Problem, Progress, good
from qingxin.commands.options import FILE, Words, command
from qingxin.store.choice import open_database
from qingxin.store.database import Unusable


def add(words: Words) -> None:
    parser = command(words, "restore", "Make a data directory out of a backup.")
    parser.add_argument("source", type=Path, metavar="DIR|FILE.tar", help="what backup has made")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    data: Path = chosen.data
    if data.exists() and not (data.is_dir() and {path.name for path in data.iterdir()} <= {FILE}):
        raise Problem(f"{data} is not empty. A backup goes into a new directory only.")
    if not chosen.source.exists():
        raise Problem(f"There is no {chosen.source}.")
    partial = data.absolute().with_name(f".{data.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        about = archive.read(chosen.source, partial, Progress("Restoring"))
        _keep_settings(data, partial)
        settings = config.load(_settings_file(chosen, partial), overrides=chosen.overrides)
        if settings.server_name != about.server_name:
            raise Problem(f"The backup is of {about.server_name}; server_name must be the same.")
        asyncio.run(_fill(settings, partial))
        _put_in_place(partial, data)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    good(f"{data} is as {about.server_name} was when the backup was made: {about.files} files.")
    return 0


def _keep_settings(data: Path, partial: Path) -> None:
    """Settings that are there already win over those of the backup."""
    if (data / FILE).exists():
        shutil.copyfile(data / FILE, partial / FILE)


def _settings_file(chosen: argparse.Namespace, partial: Path) -> Path | None:
    if chosen.config:
        return Path(chosen.config)
    return partial / FILE if (partial / FILE).exists() else None


async def _fill(settings: config.Settings, partial: Path) -> None:
    try:
        database = await open_database(settings.database, partial)
        try:
            await database.restore(partial / archive.ROWS)
            await database.migrate()
        finally:
            await database.close()
    except Unusable as problem:
        raise Problem(str(problem)) from problem


def _put_in_place(partial: Path, data: Path) -> None:
    for name in (archive.ROWS, archive.MANIFEST):
        (partial / name).unlink(missing_ok=True)
    (data / FILE).unlink(missing_ok=True)
    os.replace(partial, data)
