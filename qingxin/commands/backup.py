"""`qingxin backup`: a consistent copy of everything, also while the server runs."""

import argparse
from pathlib import Path

from qingxin.commands.console import good, size
from qingxin.commands.control import perform
from qingxin.commands.options import Words, command

EPILOG = """\
The backup holds all rows, all media files and the settings. `qingxin restore` turns it into
a data directory again, on SQLite or on PostgreSQL, whichever it came from.
"""


def add(words: Words) -> None:
    parser = command(words, "backup", "Copy everything; the server may be running.", EPILOG)
    parser.add_argument("target", type=Path, metavar="DIR|FILE.tar", help="must not be there yet")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    target = chosen.target.absolute()
    made = perform(chosen, "backup", "Backing up", target=str(target))
    good(f"{chosen.target}: {made['files']} files, {size(made['bytes'])}.")
    return 0
