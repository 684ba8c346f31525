"""A server of files with real sockets, and people who call it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from qingxin.api.http import Call, Caller, Route, Who, routes_of
from qingxin.api.matrix.media import MediaEndpoints
from qingxin.api.router import Router
from qingxin.errors import MissingToken
from qingxin.media.files import Files
from qingxin.media.thumbnails import Thumbnails
from tests.media.acts import until

MiB = 1024 * 1024
SERVER = "example.org"
MEDIA = "/_matrix/media/v3"
NEW = "/_matrix/client/v1/media"
CONTENT = b"Here is what alice has to say."


class Place:
    """A server of files on a port of this machine, and where it keeps them."""

    def __init__(self, files: Files, thumbnails: Thumbnails, directory: Path) -> None:
        self.files = files
        self.directory = directory
        self.endpoints = MediaEndpoints(files, thumbnails, SERVER)
        self.port = 0

    async def admit(self, call: Call, route: Route) -> None:
        token = call.header(b"authorization").removeprefix("Bearer ")
        if token:
            call.admit(Caller(f"@{token}:{SERVER}", "PHONE"))
        elif route.who is Who.MEMBER:
            raise MissingToken

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Place"]:
        router = Router(routes_of(self.endpoints), self.admit)
        config = uvicorn.Config(
            router, port=0, http="httptools", lifespan="off", ws="none", log_config=None
        )
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        yield self
        server.should_exit = True
        await serving


class Person:
    """Somebody with a client; a stranger has no name."""

    def __init__(self, place: Place, name: str = "") -> None:
        self.headers = {"Authorization": f"Bearer {name}"} if name else {}
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{place.port}", headers=self.headers, timeout=60
        )

    async def upload(
        self, content: Any, kind: str | None = "text/plain", filename: str | None = None
    ) -> str:
        """Server and media id, with a slash between them."""
        answer = await self.http.post(
            MEDIA + "/upload",
            content=content,
            headers={"Content-Type": kind} if kind else {},
            params={"filename": filename} if filename is not None else {},
        )
        assert answer.status_code == 200, answer.text
        address: str = answer.json()["content_uri"]
        assert address.startswith(f"mxc://{SERVER}/")
        return address.removeprefix("mxc://")

    async def create(self) -> str:
        answer = await self.http.post("/_matrix/media/v1/create", json={})
        assert answer.status_code == 200, answer.text
        address: str = answer.json()["content_uri"]
        return address.removeprefix("mxc://")

    async def download(self, address: str, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(f"{NEW}/download/{address}", headers=names)

    async def thumbnail(self, address: str, **query: Any) -> httpx.Response:
        wish = {"width": 32, "height": 32, "method": "scale"} | query
        return await self.http.get(f"{NEW}/thumbnail/{address}", params=wish)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["errcode"]) == (status, code), answer.text
    assert answer.json()["error"]
