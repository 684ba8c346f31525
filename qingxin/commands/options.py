"""The options that commands share: where the data are and which settings hold."""

import argparse
from pathlib import Path
from typing import Any

from qingxin import config
from qingxin.commands.console import Problem
from qingxin.config import Settings

FILE = "qingxin.toml"

Words = Any  # what argparse's add_subparsers returns; the library keeps its name private


def command(words: Words, name: str, summary: str, epilog: str = "") -> argparse.ArgumentParser:
    """A new command that knows --data, --config and --set."""
    parser: argparse.ArgumentParser = words.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    located(parser)
    return parser


def located(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings")
    group.add_argument(
        "--data",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="the data directory (./data)",
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the settings file (DIR/{FILE})"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="overrides",
        help="one setting; may be repeated. docs/reference/settings.md lists them all",
    )


def settings_of(chosen: argparse.Namespace) -> Settings:
    """The settings in force. Raises ConfigError."""
    return config.load(file_of(chosen), overrides=chosen.overrides)


def file_of(chosen: argparse.Namespace) -> Path | None:
    if chosen.config:
        return Path(chosen.config)
    usual: Path = chosen.data / FILE
    return usual if usual.exists() else None


def make_directory(data: Path) -> None:
    """Make the data directory, for its owner's eyes only. Raises Problem."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"{data} cannot be made: {error.strerror}.") from error
