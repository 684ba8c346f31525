"""`qingxin` and `python -m qingxin`: reads the command line and runs one command."""

import argparse
import sys
from collections.abc import Sequence

from qingxin import __version__
from qingxin.commands import backup, check, demo, init, restore, serve, user
from qingxin.commands.console import Problem, say_problem
from qingxin.config import ConfigError
from qingxin.errors import MatrixError

COMMANDS = (serve, init, check, user, backup, restore, demo)

EPILOG = """\
first steps:
  qingxin init --data /srv/qingxin --set server_name=example.org
  qingxin user create alice --moderator --data /srv/qingxin
  qingxin serve --data /srv/qingxin --listen 127.0.0.1:8008

`qingxin COMMAND --help` explains each. docs/operating.md tells the rest.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if "run" not in chosen:
        parser.print_help()
        return 2
    try:
        return int(chosen.run(chosen))
    except (Problem, ConfigError, MatrixError) as problem:
        say_problem(str(problem))
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "qingxin",
        description="Qingxin 清信: a messaging service that you run yourself. It speaks Matrix.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Qingxin {__version__}")
    words = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add(words)
    return parser


if __name__ == "__main__":
    sys.exit(main())
