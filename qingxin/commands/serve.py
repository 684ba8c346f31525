"""`qingxin serve`: runs the server."""

import argparse
import socket
from pathlib import Path

from qingxin.app import App
from qingxin.commands import control, demo, reload, server
from qingxin.commands.console import BOLD, Problem, coloured
from qingxin.commands.options import Words, command, make_directory, settings_of
from qingxin.config import Settings
from qingxin.demo import world
from qingxin.demo.cast import LOGINS, PASSWORD
from qingxin.store.database import Unusable

LISTEN = "127.0.0.1:8008"


def add(words: Words) -> None:
    parser = command(words, "serve", "Run the server until it is stopped (Ctrl+C, SIGTERM).")
    parser.add_argument(
        "--listen", default=LISTEN, metavar="HOST:PORT", help=f"where to listen ({LISTEN})"
    )
    parser.add_argument(
        "--sample",
        action="store_true",
        help="fill an empty data directory with made-up people and conversations first",
    )
    parser.add_argument(
        "--reload", action="store_true", help="start anew when a source file changes"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    if chosen.reload and not reload.is_watched():
        return reload.watch()
    settings = settings_of(chosen)
    server.log_to_standard_error(settings.log_level)
    listening = server.listen(chosen.listen)
    if chosen.sample and demo.is_empty(chosen.data):
        demo.make(settings, chosen.data)
    make_directory(chosen.data)
    return server.run(_serve(settings, chosen.data, listening))


async def _serve(settings: Settings, data: Path, listening: socket.socket) -> int:
    try:
        async with App.open(settings, data) as app, control.answering(app, data):
            greeting = f"Qingxin is at {coloured(server.url_of(listening), BOLD)}"
            if await world.is_here(app):
                greeting += await _introduction(app)
            await server.serve(app, listening, lambda: print(greeting, flush=True))
    except Unusable as problem:
        raise Problem(str(problem)) from problem
    return 0


async def _introduction(app: App) -> str:
    """What somebody who looks at the sample world needs to know."""
    people = "\n".join(f"    {name:8} {about}" for name, about in LOGINS)
    tokens = [each.token for each in await app.invitations.all()]
    token = tokens[0] if tokens else await app.invitations.create()
    return (
        f"\n\n  Sign in with any Matrix app as one of these, password {PASSWORD!r}:\n{people}"
        f"\n\n  or make an account with the registration token {token}\n"
    )
