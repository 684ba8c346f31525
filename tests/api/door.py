"""A server without a socket, and people who call it."""

from typing import Any

import httpx

from qingxin.api.auth import Gate
from qingxin.api.http import routes_of
from qingxin.api.limits import Limits
from qingxin.api.matrix.account import OwnAccount
from qingxin.api.matrix.account_data import AccountDataEndpoints
from qingxin.api.matrix.admin import AdminEndpoints
from qingxin.api.matrix.credentials import Credentials
from qingxin.api.matrix.devices import DeviceEndpoints
from qingxin.api.matrix.filters import FilterEndpoints
from qingxin.api.matrix.login import SigningIn
from qingxin.api.matrix.openid import OpenIdEndpoints
from qingxin.api.matrix.presence import PresenceEndpoints
from qingxin.api.matrix.profile import ProfileEndpoints
from qingxin.api.matrix.register import Registration
from qingxin.api.matrix.uia import Confirmation
from qingxin.api.matrix.user_directory import UserDirectoryEndpoints
from qingxin.api.matrix.versions import Discovery
from qingxin.api.matrix.voip import TurnEndpoints
from qingxin.api.router import Router
from tests.people.parts import SERVER, People

CLIENT = "/_matrix/client/v3"
DUMMY = {"auth": {"type": "m.login.dummy"}}


class Answer:
    """What came back: `status`, `code` of a refusal, and the fields of the body."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.body: Any = response.json()
        self.headers = response.headers
        self.code: str | None = self.body.get("errcode") if isinstance(self.body, dict) else None

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def __repr__(self) -> str:
        return f"<{self.status} {self.body}>"


class Person:
    """Somebody with a client: calls with their token, if they have one."""

    def __init__(self, door: "Door", session: dict[str, Any] | None = None) -> None:
        self._door = door
        self.session = session or {}

    @property
    def user_id(self) -> str:
        return str(self.session["user_id"])

    @property
    def device_id(self) -> str:
        return str(self.session["device_id"])

    async def call(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **query: Any
    ) -> Answer:
        """`path` is below /_matrix/client/v3 unless it begins with /_ or /.well-known."""
        if not path.startswith(("/_", "/.well-known")):
            path = CLIENT + path
        headers = {}
        if token := self.session.get("access_token"):
            headers["Authorization"] = f"Bearer {token}"
        return Answer(
            await self._door.http.request(
                method,
                path,
                headers=headers,
                params=query or None,
                content=raw,
                json=body if raw is None else None,
            )
        )

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.call("GET", path, **query)

    async def put(self, path: str, body: Any) -> Answer:
        return await self.call("PUT", path, body)

    async def post(self, path: str, body: Any = None, **query: Any) -> Answer:
        return await self.call("POST", path, {} if body is None else body, **query)

    async def delete(self, path: str, body: Any = None) -> Answer:
        return await self.call("DELETE", path, body)

    def proof(self, password: str = "a good password") -> dict[str, Any]:
        identifier = {"type": "m.id.user", "user": self.user_id}
        return {"type": "m.login.password", "identifier": identifier, "password": password}


class Door:
    """The account side of the API over `people`."""

    def __init__(self, people: People, *, registration: Any = "open", limits: bool = False) -> None:
        self.people = people
        self.limits = Limits(people.clock, on=limits)
        credentials = Credentials(people.accounts, self.limits)
        confirmation = Confirmation(credentials)
        endpoints = [
            Registration(
                people.accounts,
                people.invitations,
                people.sessions,
                self.limits,
                people.clock,
                registration,
            ),
            SigningIn(
                people.accounts, people.sessions, people.passes, credentials, confirmation, ""
            ),
            OwnAccount(
                people.accounts, people.sessions, people.passes, confirmation, people.farewell
            ),
            *self._further(confirmation),
        ]
        gate = Gate(people.sessions, people.sightings, self.limits, query_tokens=True)
        self.router = Router([one for each in endpoints for one in routes_of(each)], gate.admit)
        transport = httpx.ASGITransport(self.router, client=("192.0.2.7", 4711))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://example.org")

    def _further(self, confirmation: Confirmation) -> list[object]:
        people = self.people
        self.faces_changed: list[str] = []
        self.friends = {("@alice:example.org", "@bob:example.org")}
        turn = ["turn:turn.example.org:3478"]
        return [
            DeviceEndpoints(people.devices, people.sessions, confirmation),
            ProfileEndpoints(people.profiles, people.accounts, self._on_change),
            AccountDataEndpoints(people.preferences, {"m.push_rules": self._push_rules}),
            FilterEndpoints(people.filters),
            PresenceEndpoints(people.presence, people.accounts, self._may_see),
            UserDirectoryEndpoints(people.directory),
            OpenIdEndpoints(people.passes, SERVER),
            TurnEndpoints(people.clock, turn, "a secret"),
            AdminEndpoints(people.accounts, people.sessions, people.devices, people.sightings),
            Discovery(""),
        ]

    async def _on_change(self, user_id: str) -> None:
        self.faces_changed.append(user_id)

    async def _may_see(self, asker: str, other: str) -> bool:
        return (asker, other) in self.friends

    async def _push_rules(self, user_id: str) -> bytes:
        return b'{"global":{}}'

    @property
    def stranger(self) -> Person:
        return Person(self)

    async def register(self, name: str, **wish: Any) -> Person:
        answer = await self.stranger.post(
            "/register", {"username": name, "password": "a good password", **DUMMY, **wish}
        )
        assert answer.status == 200, answer
        return Person(self, answer.body)

    async def login(self, name: str, password: str = "a good password", **wish: Any) -> Person:
        answer = await self.stranger.post("/login", password_login(name, password, **wish))
        assert answer.status == 200, answer
        return Person(self, answer.body)


def password_login(name: str, password: str = "a good password", **wish: Any) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": name}
    return {"type": "m.login.password", "identifier": identifier, "password": password, **wish}
