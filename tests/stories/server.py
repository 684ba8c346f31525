"""A whole Qingxin inside the test's event loop, on a port of its own."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from qingxin.app import App
from qingxin.config import Settings
from tests.stories.answers import LONGEST
from tests.stories.cast import DUMMY, PASSWORD, Caller, Person, fresh, password_login

SETTINGS: dict[str, Any] = {
    "server_name": "example.org",
    "registration": "open",
    "rate_limits": "off",
    "password_cost": "low",
}


def client_of(url: str) -> httpx.AsyncClient:
    """One client for everybody, since each would cost as much as a hundred requests."""
    limits = httpx.Limits(max_connections=500, max_keepalive_connections=100)
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=LONGEST, trust_env=False)


def listen() -> socket.socket:
    """A free port. asyncio sends without delay only where the protocol is named."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    return listening


class Town:
    """Where people can have accounts: what servers of every kind offer to stories."""

    http: httpx.AsyncClient

    @property
    def stranger(self) -> Caller:
        """Somebody without an account."""
        return Caller(self.http)

    async def register(self, name: str = "someone", **wish: Any) -> Person:
        """A new account; its name gets a number, so that stories do not meet."""
        return await self.register_as(fresh(name), **wish)

    async def register_as(self, name: str, **wish: Any) -> Person:
        """A new account with exactly this name."""
        body = {"username": name, "password": PASSWORD, **DUMMY, **wish}
        return Person(self.http, (await self.stranger.post("/register", body)).body)

    async def login(self, name: str, password: str = PASSWORD, **wish: Any) -> Person:
        answer = await self.stranger.post("/login", password_login(name, password, **wish))
        return Person(self.http, answer.body)


class Server(Town):
    """An application over its own data, answering on a real socket until it is stopped."""

    app: App
    url: str

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data = data
        self.settings = Settings(**(SETTINGS | settings))
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> "Server":
        self._stop.clear()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(ready))
        await asyncio.wait([ready, self._task], return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await self._task
        self.http = client_of(self.url)
        return self

    async def stop(self) -> None:
        await self.http.aclose()
        self._stop.set()
        if self._task is not None:
            await self._task

    async def restart(self) -> None:
        """Another process, as far as people can see: nothing is left but what was stored."""
        await self.stop()
        await self.start()

    async def _run(self, ready: asyncio.Future[None]) -> None:
        async with App.open(self.settings, self.data) as app:
            self.app = app
            listening = listen()
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            server = uvicorn.Server(
                uvicorn.Config(
                    app.router, http="httptools", ws="none", lifespan="off", loop="none",
                    access_log=False, log_config=None, timeout_graceful_shutdown=1,
                )
            )  # fmt: skip
            serving = asyncio.create_task(server._serve([listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            ready.set_result(None)
            await self._stop.wait()
            server.should_exit = True
            await serving
