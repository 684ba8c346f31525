"""`qingxin init`: makes a data directory with a commented settings file."""

import argparse
import os

import msgspec

from qingxin.commands.console import Problem, good
from qingxin.commands.options import FILE, Words, command, make_directory, settings_of
from qingxin.commands.template import settings_file
from qingxin.config import Settings


def add(words: Words) -> None:
    parser = command(words, "init", "Make a data directory with a commented settings file.")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    file = chosen.config or chosen.data / FILE
    if file.exists():
        raise Problem(f"{file} is there already; edit it, or remove it first.")
    settings = settings_of(chosen)
    make_directory(chosen.data)
    text = settings_file(_differing(settings))
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    good(f"{file} has every setting, with its default commented out.")
    if settings.server_name == "localhost":
        print(f"  Choose server_name before the first start: people will be @name:{'example.org'}.")
    print(f"  Then: qingxin serve --data {chosen.data}")
    return 0


def _differing(settings: Settings) -> dict[str, object]:
    """What was chosen on the way here, and the server name in any case: it cannot change."""
    chosen, defaults = msgspec.structs.asdict(settings), msgspec.structs.asdict(Settings())
    return {
        name: value
        for name, value in chosen.items()
        if value != defaults[name] or name == "server_name"
    }
