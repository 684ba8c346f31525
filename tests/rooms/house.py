"""The whole application without a socket, and people who call it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from qingxin.app import App
from qingxin.clock import Clock, HandClock
from qingxin.config import Settings
from qingxin.store.database import Database
from tests.api.door import DUMMY, Answer, Person

SERVER = "example.org"
SETTINGS = Settings(server_name=SERVER, registration="open", rate_limits="off", password_cost="low")


class House:
    """An application at work; `register` lets people in."""

    def __init__(self, app: App) -> None:
        self.app = app
        transport = httpx.ASGITransport(app.router)
        self.http = httpx.AsyncClient(transport=transport, base_url=f"http://{SERVER}")

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, data: Path, clock: Clock | None = None
    ) -> AsyncIterator["House"]:
        app = App(SETTINGS, data, database, clock or HandClock())
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work()) for work in app.works()]
            await app.log.start()
            yield cls(app)
            for task in running:
                task.cancel()

    @property
    def stranger(self) -> "Guest":
        return Guest(self)

    async def register(self, name: str, *, moderator: bool = False) -> "Guest":
        wish = {"username": name, "password": "a good password", **DUMMY}
        answer = ok(await self.stranger.post("/register", wish))
        if moderator:
            await self.app.accounts.mark(answer["user_id"], moderator=True)
            self.app.sessions.forget(answer["user_id"])
        return Guest(self, answer.body)


class Guest(Person):
    """Somebody with a client, who makes rooms and speaks in them."""

    def __init__(self, house: House, session: dict[str, Any] | None = None) -> None:
        super().__init__(house, session)  # type: ignore[arg-type]

    async def room(self, **wish: Any) -> str:
        return str(ok(await self.post("/createRoom", wish))["room_id"])

    async def set(self, room_id: str, type: str, content: dict[str, Any], key: str = "") -> Answer:
        return await self.put(f"/rooms/{room_id}/state/{type}/{key}", content)

    async def say(self, room_id: str, text: str) -> str:
        body = {"msgtype": "m.text", "body": text}
        sent = await self.put(f"/rooms/{room_id}/send/m.room.message/{text[:20]}", body)
        return str(ok(sent)["event_id"])

    async def state(self, room_id: str, type: str, key: str = "") -> dict[str, Any]:
        found: dict[str, Any] = ok(await self.get(f"/rooms/{room_id}/state/{type}/{key}")).body
        return found

    async def join(self, room: str) -> None:
        ok(await self.post(f"/join/{room}"))


def ok(answer: Answer) -> Answer:
    assert answer.status == 200, answer
    return answer


def refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer
