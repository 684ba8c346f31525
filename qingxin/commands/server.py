"""The HTTP server around an open application: uvicorn on uvloop, until somebody stops it."""

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from qingxin.app import App
from qingxin.commands.console import Problem

BACKLOG = 4096  # connections waiting to be accepted; with less, thousands of connects crawl
MOST_FILES = 1 << 17  # open at once
GRACE = 5  # seconds that unfinished requests have after a stop
# Threads (long reads, passwords) have to ask for the interpreter lock; with the usual 5 ms they
# would starve beside a busy loop (docs/decisions/0002-group-commit.md).
SWITCH_INTERVAL = 0.0005


class Server(uvicorn.Server):
    """Says when it is ready, and on a signal lets those go who wait for news."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._stopping()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(app: App, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until SIGTERM or SIGINT; `ready` is called when the first can come."""
    config = uvicorn.Config(
        app.router,
        http="httptools",
        ws="none",
        lifespan="off",
        loop="none",
        access_log=False,
        log_config=None,
        backlog=BACKLOG,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE,
    )
    sys.setswitchinterval(SWITCH_INTERVAL)
    allow_many_files()
    gc.collect()
    gc.freeze()  # what is there now stays: never look through it again
    await Server(config, ready, app.feed.close).serve([listening])


def allow_many_files() -> None:
    """Whoever waits for news is an open file; the usual 1,024 are a small town."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if resource.RLIM_INFINITY != soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def listen(address: str) -> socket.socket:
    """Bind HOST:PORT or [IPV6]:PORT; port 0 is any free one. Raises Problem."""
    host, port = split(address)
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, place = found[0]
        return socket.create_server(place[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise Problem(f"{address} cannot be listened on: {error.strerror}.") from error


def split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise Problem(f"--listen takes HOST:PORT, such as 127.0.0.1:8008, not {address!r}.")
    return host.strip("[]"), int(port)


def url_of(listening: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def log_to_standard_error(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.getLogger().level))
