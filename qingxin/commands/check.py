"""`qingxin check`: looks at settings, directory, database and address, and says what it finds."""

import argparse
import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from qingxin.commands import console, control, server
from qingxin.commands.console import Problem, size
from qingxin.commands.desk import condition
from qingxin.commands.options import Words, command, file_of, settings_of
from qingxin.commands.serve import LISTEN
from qingxin.config import ConfigError, Settings
from qingxin.errors import MatrixError
from qingxin.store import choice
from qingxin.store.database import Unusable
from qingxin.store.wire import Wire

LITTLE_ROOM = 1_000_000_000  # bytes
SECONDS_FOR_NATS = 3


class Finding(Struct, frozen=True):
    """One line of the answer."""

    mark: Literal["good", "doubtful", "bad"]
    text: str


def add(words: Words) -> None:
    parser = command(words, "check", "Check settings, data and address; exit code 1 if one is bad.")
    parser.add_argument("--listen", default=LISTEN, metavar="HOST:PORT", help=f"({LISTEN})")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    show = {"good": console.good, "doubtful": console.doubtful, "bad": console.bad}
    failed = False
    for finding in findings(chosen):
        show[finding.mark](finding.text)
        failed = failed or finding.mark == "bad"
    return 1 if failed else 0


def findings(chosen: argparse.Namespace) -> Iterator[Finding]:
    """Everything there is to say, in an order in which it can be mended."""
    try:
        settings = settings_of(chosen)
    except ConfigError as error:
        yield Finding("bad", f"settings: {error}")
        return
    yield Finding("good", f"settings: {file_of(chosen) or 'defaults and environment'}")
    yield from _choices(settings)
    if not chosen.data.is_dir():
        yield Finding("bad", f"data: there is no directory {chosen.data}; `qingxin init` makes it")
        return
    yield from _directory(chosen.data)
    running = asyncio.run(control.is_running(chosen.data))
    yield _database(chosen, settings, running=running)
    if settings.nats and settings.database:
        yield asyncio.run(_nats(settings))
    yield _address(chosen.listen, running=running)


def _choices(settings: Settings) -> Iterator[Finding]:
    """Settings that are allowed, but seldom meant on a server for others."""
    doubts = {
        "server_name is localhost: people would be @name:localhost for ever": (
            settings.server_name == "localhost"
        ),
        "registration is open: anyone may make an account": settings.registration == "open",
        "rate_limits are off: one client can keep everybody waiting": settings.rate_limits == "off",
        "password_cost is low: stolen hashes are quickly guessed": settings.password_cost == "low",
        "query_tokens are on: access tokens end up in logs": settings.query_tokens == "on",
        "nats is set without database: several processes need PostgreSQL": (
            bool(settings.nats) and not settings.database
        ),
        "public_url is not https: passwords travel in the clear": (
            settings.public_url.startswith("http:")
        ),
    }
    yield from (Finding("doubtful", text) for text, holds in doubts.items() if holds)


def _directory(data: Path) -> Iterator[Finding]:
    about = data.stat()
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("bad", f"data: {data} cannot be written to by user {os.getuid()}")
    elif about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(about.st_mode)
        yield Finding("doubtful", f"data: others can look into {data} (mode {mode:o}; 700 is safe)")
    else:
        yield Finding("good", f"data: {data}, for its owner only")
    free = shutil.disk_usage(data).free
    mark: Literal["good", "doubtful"] = "good" if free >= LITTLE_ROOM else "doubtful"
    yield Finding(mark, f"free space: {size(free)}")


def _database(chosen: argparse.Namespace, settings: Settings, *, running: bool) -> Finding:
    if not running and not settings.database and not (chosen.data / choice.FILE).exists():
        return Finding("good", "database: none yet; the first start makes it")
    try:
        found = (
            control.perform(chosen, "inspect")
            if running
            else asyncio.run(_condition(settings, chosen.data))
        )
    except (Problem, MatrixError, Unusable) as problem:
        return Finding("bad", f"database: {problem}")
    if found["damage"]:
        return Finding("bad", f"database: damaged: {'; '.join(found['damage'])}")
    todo = f", {found['pending']} migrations to come at the next start" if found["pending"] else ""
    return Finding("good", f"database: sound, {size(found['size'])}{todo}")


async def _condition(settings: Settings, data: Path) -> dict[str, Any]:
    database = await choice.open_database(settings.database, data)
    try:
        return await condition(database)
    finally:
        await database.close()


async def _nats(settings: Settings) -> Finding:
    """Whether NATS answers; without it everything works, a second later."""
    wire, met = Wire(settings.nats, settings.server_name), asyncio.Event()
    wire.on_connect(met.set)
    connecting = asyncio.create_task(wire.run())
    try:
        await asyncio.wait_for(met.wait(), SECONDS_FOR_NATS)
    except TimeoutError:
        return Finding("doubtful", "nats: it does not answer; processes hear of others late")
    finally:
        connecting.cancel()
        await asyncio.wait([connecting])
    return Finding("good", "nats: it answers")


def _address(address: str, *, running: bool) -> Finding:
    if running:
        return Finding("good", "address: the server is running")
    try:
        server.listen(address).close()
    except Problem as problem:
        return Finding("bad", f"address: {problem}")
    return Finding("good", f"address: {address} is free")
