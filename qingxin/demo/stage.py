"""People of the sample world calling the real API, without a network in between."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from qingxin.api.router import Router
from qingxin.clock import HandClock

Report = Callable[[int, int], None]  # what is done so far, out of how much

CLIENT = "/_matrix/client/v3"


class Refused(Exception):
    """The API refused something that the sample world does: a defect in one of the two."""


class Actor:
    """One signed-in person."""

    def __init__(self, router: Router, user_id: str, token: str = "") -> None:
        self.user_id = user_id
        self._router = router
        self._token = token
        self._sent = 0

    async def sign_in(self, password: str) -> None:
        answer = await self.call(
            "POST",
            f"{CLIENT}/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": self.user_id},
                "password": password,
                "device_id": "SAMPLE",
                "initial_device_display_name": "Sample world",
            },
        )
        self._token = answer["access_token"]

    async def create_room(self, **wish: Any) -> str:
        room_id: str = (await self.call("POST", f"{CLIENT}/createRoom", wish))["room_id"]
        return room_id

    async def join(self, room_id: str) -> None:
        await self.call("POST", f"{CLIENT}/rooms/{quote(room_id)}/join", {})

    async def send(self, room_id: str, type: str, content: dict[str, Any]) -> str:
        """Say something; its event id."""
        self._sent += 1
        path = f"{CLIENT}/rooms/{quote(room_id)}/send/{type}/sample-{self._sent}"
        event_id: str = (await self.call("PUT", path, content))["event_id"]
        return event_id

    async def redact(self, room_id: str, event_id: str) -> None:
        self._sent += 1
        path = f"{CLIENT}/rooms/{quote(room_id)}/redact/{quote(event_id)}/sample-{self._sent}"
        await self.call("PUT", path, {})

    async def set_state(
        self, room_id: str, type: str, content: dict[str, Any], key: str = ""
    ) -> None:
        path = f"{CLIENT}/rooms/{quote(room_id)}/state/{type}/{quote(key)}"
        await self.call("PUT", path, content)

    async def state(self, room_id: str, type: str) -> dict[str, Any]:
        path = f"{CLIENT}/rooms/{quote(room_id)}/state/{type}/"
        content: dict[str, Any] = await self.call("GET", path)
        return content

    async def invite(self, room_id: str, user_id: str) -> None:
        await self.call("POST", f"{CLIENT}/rooms/{quote(room_id)}/invite", {"user_id": user_id})

    async def set_profile(self, field: str, value: str) -> None:
        await self.call("PUT", f"{CLIENT}/profile/{quote(self.user_id)}/{field}", {field: value})

    async def keep(self, type: str, content: dict[str, Any]) -> None:
        """Store account data."""
        await self.call("PUT", f"{CLIENT}/user/{quote(self.user_id)}/account_data/{type}", content)

    async def tag(self, room_id: str, tag: str, order: float) -> None:
        path = f"{CLIENT}/user/{quote(self.user_id)}/rooms/{quote(room_id)}/tags/{tag}"
        await self.call("PUT", path, {"order": order})

    async def read_to(self, room_id: str, event_id: str) -> None:
        markers = {"m.fully_read": event_id, "m.read": event_id}
        await self.call("POST", f"{CLIENT}/rooms/{quote(room_id)}/read_markers", markers)

    async def upload(self, name: str, content_type: str, content: bytes) -> str:
        """Store a file; its mxc:// address."""
        path = f"/_matrix/media/v3/upload?filename={quote(name)}"
        uri: str = (await self.call("POST", path, content, content_type))["content_uri"]
        return uri

    async def sign_out(self) -> None:
        await self.call("POST", f"{CLIENT}/logout", {})

    async def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Any:
        """One request; the decoded answer. Raises Refused."""
        content = (
            body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        )
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._router(self._scope(method, path, content_type, len(content)), receive, send)
        answer = b"".join(message.get("body", b"") for message in sent[1:])
        if sent[0]["status"] != 200:
            raise Refused(f"{method} {path}: {sent[0]['status']} {answer.decode()}")
        return msgspec.json.decode(answer)

    def _scope(self, method: str, path: str, content_type: str, length: int) -> dict[str, Any]:
        path, _, query = path.partition("?")
        headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % length)]
        if self._token:
            headers.append((b"authorization", f"Bearer {self._token}".encode()))
        return {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 0),
        }


class PlayClock(HandClock):
    """A clock that the plays set, never backwards."""

    def set(self, to: int) -> None:
        self.move(max(0, to - self.now()))
