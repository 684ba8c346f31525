"""The people of the stories. Each verb is one request and returns what its author would look at;
a verb that the server refuses raises `Refused`, which `refused` (answers.py) expects.
"""

import itertools
import json
from typing import Any
from urllib.parse import quote

import httpx

from tests.stories.answers import CLIENT, Answer, granted
from tests.stories.news import News, texts

PASSWORD = "a good password"
DUMMY = {"auth": {"type": "m.login.dummy"}}

_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that nobody has had in this run."""
    return f"{name}-{next(_numbers)}"


def part(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")


class Caller:
    """Somebody with a client: calls with their token, if they have one."""

    def __init__(self, http: httpx.AsyncClient, session: dict[str, Any] | None = None) -> None:
        self.http = http
        self.session = session or {}

    @property
    def token(self) -> str:
        return str(self.session.get("access_token", ""))

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """`path` is below /_matrix/client/v3 unless it begins with /_ or /.well-known."""
        if not path.startswith(("/_", "/.well-known")):
            path = CLIENT + path
        with_token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
            with_token["Content-Type"] = "application/json"
        asked = {name: _shown(value) for name, value in query.items() if value is not None}
        return Answer(
            await self.http.request(
                method,
                path,
                headers=with_token | (headers or {}),
                params=asked or None,
                content=raw,
            )
        )

    async def get(self, path: str, /, **query: Any) -> Answer:
        return granted(await self.call("GET", path, **query))

    async def put(self, path: str, body: Any = None, /, **query: Any) -> Answer:
        return granted(await self.call("PUT", path, {} if body is None else body, **query))

    async def post(self, path: str, body: Any = None, /, **query: Any) -> Answer:
        return granted(await self.call("POST", path, {} if body is None else body, **query))

    async def delete(self, path: str, body: Any = None, /, **query: Any) -> Answer:
        return granted(await self.call("DELETE", path, body, **query))


class Person(Caller):
    """Somebody with an account, signed in on one device."""

    user_id: str
    device_id: str

    def __init__(self, http: httpx.AsyncClient, session: dict[str, Any]) -> None:
        super().__init__(http, session)
        self.user_id = session["user_id"]
        self.device_id = session["device_id"]
        self._since: str | None = None

    def __repr__(self) -> str:
        return f"<{self.user_id} on {self.device_id}>"

    @property
    def localpart(self) -> str:
        return self.user_id[1:].partition(":")[0]

    @property
    def server_name(self) -> str:
        return self.user_id.partition(":")[2]

    # Sessions

    async def on_another_device(self, **wish: Any) -> "Person":
        """The same person with a second client."""
        stranger = Caller(self.http)
        answer = await stranger.post("/login", password_login(self.user_id, **wish))
        return Person(self.http, answer.body)

    def proof(self, password: str = PASSWORD) -> dict[str, Any]:
        """The `auth` of a request that asks for the password."""
        identifier = {"type": "m.id.user", "user": self.user_id}
        return {"type": "m.login.password", "identifier": identifier, "password": password}

    # Rooms and membership

    async def creates(self, *invited: "Person", **body: Any) -> str:
        """A new room (a private chat unless the body says otherwise) with these people in it."""
        wish = {"preset": "private_chat", **body}
        if invited:
            wish["invite"] = [person.user_id for person in invited]
        room: str = (await self.post("/createRoom", wish))["room_id"]
        for person in invited:
            await person.joins(room)
        return room

    async def opens(self, *joining: "Person", **body: Any) -> str:
        """A new room that anybody can join, and these people have."""
        room = await self.creates(preset="public_chat", **body)
        for person in joining:
            await person.joins(room)
        return room

    async def joins(self, room: str, **body: Any) -> str:
        """By id or alias; the room's id."""
        room_id: str = (await self.post(f"/join/{part(room)}", body))["room_id"]
        return room_id

    async def leaves(self, room: str, **body: Any) -> None:
        await self.post(f"/rooms/{part(room)}/leave", body)

    async def forgets(self, room: str) -> None:
        await self.post(f"/rooms/{part(room)}/forget")

    async def knocks(self, room: str, **body: Any) -> None:
        await self.post(f"/knock/{part(room)}", body)

    async def invites(self, room: str, guest: "Person", **body: Any) -> None:
        await self._does("invite", room, guest, body)

    async def kicks(self, room: str, target: "Person", **body: Any) -> None:
        await self._does("kick", room, target, body)

    async def bans(self, room: str, target: "Person", **body: Any) -> None:
        await self._does("ban", room, target, body)

    async def unbans(self, room: str, target: "Person", **body: Any) -> None:
        await self._does("unban", room, target, body)

    async def _does(self, verb: str, room: str, target: "Person", body: dict[str, Any]) -> None:
        await self.post(f"/rooms/{part(room)}/{verb}", {"user_id": target.user_id, **body})

    async def joined_rooms(self) -> list[str]:
        return list((await self.get("/joined_rooms"))["joined_rooms"])

    async def membership(self, room: str, person: "Person | None" = None) -> str:
        """Somebody's membership (one's own, if nobody is named), by the room's state."""
        member = await self.state(room, "m.room.member", (person or self).user_id)
        return str(member["membership"])

    # Saying things

    async def sends(
        self, room: str, type: str, content: dict[str, Any], txn: str | None = None
    ) -> str:
        path = f"/rooms/{part(room)}/send/{part(type)}/{part(txn or fresh('txn'))}"
        event_id: str = (await self.put(path, content))["event_id"]
        return event_id

    async def says(
        self, room: str, text: str = "hello", txn: str | None = None, **content: Any
    ) -> str:
        message = {"msgtype": "m.text", "body": text, **content}
        return await self.sends(room, "m.room.message", message, txn)

    async def edits(self, room: str, event_id: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return await self.says(
            room, f"* {text}", **{"m.new_content": new, "m.relates_to": relation}
        )

    async def reacts(self, room: str, event_id: str, key: str = "👍") -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.sends(room, "m.reaction", {"m.relates_to": relation})

    async def replies(self, room: str, event_id: str, text: str) -> str:
        relation = {"m.in_reply_to": {"event_id": event_id}}
        return await self.says(room, text, **{"m.relates_to": relation})

    async def answers_in_thread(self, room: str, root: str, text: str) -> str:
        relation = {
            "rel_type": "m.thread", "event_id": root, "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }  # fmt: skip
        return await self.says(room, text, **{"m.relates_to": relation})

    async def redacts(
        self, room: str, event_id: str, reason: str | None = None, txn: str | None = None
    ) -> str:
        path = f"/rooms/{part(room)}/redact/{part(event_id)}/{part(txn or fresh('txn'))}"
        found: str = (await self.put(path, {"reason": reason} if reason else {}))["event_id"]
        return found

    async def sets(self, room: str, type: str, content: dict[str, Any], key: str = "") -> str:
        """Set state; the event id."""
        path = f"/rooms/{part(room)}/state/{part(type)}/{part(key)}"
        event_id: str = (await self.put(path, content))["event_id"]
        return event_id

    async def sets_levels(self, room: str, **changes: Any) -> str:
        """Change power levels; what is not named stays."""
        levels = await self.state(room, "m.room.power_levels")
        return await self.sets(room, "m.room.power_levels", {**levels, **changes})

    async def promotes(self, room: str, person: "Person", level: int) -> str:
        users = (await self.state(room, "m.room.power_levels")).get("users", {})
        return await self.sets_levels(room, users={**users, person.user_id: level})

    # Looking

    async def state(self, room: str, type: str, key: str = "") -> dict[str, Any]:
        """The content of one piece of state."""
        path = f"/rooms/{part(room)}/state/{part(type)}/{part(key)}"
        content: dict[str, Any] = (await self.get(path)).body
        return content

    async def whole_state(self, room: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = (await self.get(f"/rooms/{part(room)}/state")).body
        return events

    async def members(self, room: str, **query: Any) -> dict[str, str]:
        """Membership by user id."""
        chunk = (await self.get(f"/rooms/{part(room)}/members", **query))["chunk"]
        return {event["state_key"]: event["content"]["membership"] for event in chunk}

    async def messages(self, room: str, dir: str = "b", **query: Any) -> dict[str, Any]:
        page: dict[str, Any] = (
            await self.get(f"/rooms/{part(room)}/messages", dir=dir, **query)
        ).body
        return page

    async def timeline(self, room: str, **query: Any) -> list[str]:
        """The texts in a room, oldest first."""
        page = await self.messages(room, "b", **{"limit": 1000, **query})
        return texts(page["chunk"][::-1])

    async def event(self, room: str, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/rooms/{part(room)}/event/{part(event_id)}")).body
        return found

    async def context(self, room: str, event_id: str, **query: Any) -> dict[str, Any]:
        path = f"/rooms/{part(room)}/context/{part(event_id)}"
        found: dict[str, Any] = (await self.get(path, **query)).body
        return found

    async def relations(self, room: str, event_id: str, *kind: str, **query: Any) -> dict[str, Any]:
        """`kind` may be a relation type, and an event type after it."""
        tail = "".join(f"/{part(word)}" for word in kind)
        path = f"/_matrix/client/v1/rooms/{part(room)}/relations/{part(event_id)}{tail}"
        page: dict[str, Any] = (await self.get(path, **query)).body
        return page

    async def threads(self, room: str, **query: Any) -> dict[str, Any]:
        path = f"/_matrix/client/v1/rooms/{part(room)}/threads"
        page: dict[str, Any] = (await self.get(path, **query)).body
        return page

    # Listening

    async def sync(self, since: str | None = None, filter: Any = None, **query: Any) -> News:
        """One /sync; a filter may be given as an id or as what it says."""
        if filter is not None and not isinstance(filter, str):
            filter = json.dumps(filter)
        answer = await self.get("/sync", since=since, filter=filter, **query)
        return News(answer.body)

    async def hears(self, filter: Any = None, **query: Any) -> News:
        """What is new since this person heard last; everything, the first time."""
        news = await self.sync(self._since, filter, **query)
        self._since = news.token
        return news

    # Being there

    async def reads(
        self, room: str, event_id: str, type: str = "m.read", thread: str | None = None
    ) -> None:
        body = {"thread_id": thread} if thread else {}
        await self.post(f"/rooms/{part(room)}/receipt/{part(type)}/{part(event_id)}", body)

    async def types(self, room: str, typing: bool = True, timeout: int = 30_000) -> None:
        body = {"typing": typing, "timeout": timeout} if typing else {"typing": False}
        await self.put(f"/rooms/{part(room)}/typing/{part(self.user_id)}", body)

    async def keeps(self, type: str, content: dict[str, Any], room: str | None = None) -> None:
        """Set account data, of a room or of the account."""
        where = f"/rooms/{part(room)}" if room else ""
        await self.put(f"/user/{part(self.user_id)}{where}/account_data/{part(type)}", content)

    async def kept(self, type: str, room: str | None = None) -> dict[str, Any]:
        where = f"/rooms/{part(room)}" if room else ""
        path = f"/user/{part(self.user_id)}{where}/account_data/{part(type)}"
        content: dict[str, Any] = (await self.get(path)).body
        return content

    async def ignores(self, *people: "Person") -> None:
        ignored: dict[str, Any] = {person.user_id: {} for person in people}
        await self.keeps("m.ignored_user_list", {"ignored_users": ignored})

    async def is_called(self, name: str) -> None:
        await self.put(f"/profile/{part(self.user_id)}/displayname", {"displayname": name})

    async def shows(self, picture: str) -> None:
        await self.put(f"/profile/{part(self.user_id)}/avatar_url", {"avatar_url": picture})

    # Files

    async def uploads(
        self,
        data: bytes,
        content_type: str = "application/octet-stream",
        filename: str | None = None,
    ) -> str:
        """The file's mxc address."""
        answer = await self.call(
            "POST", "/_matrix/media/v3/upload", raw=data,
            headers={"Content-Type": content_type}, filename=filename,
        )  # fmt: skip
        address: str = granted(answer)["content_uri"]
        return address

    async def downloads(self, mxc: str, name: str = "") -> Answer:
        tail = f"/{part(name)}" if name else ""
        return await self.get(f"/_matrix/client/v1/media/download/{mxc[6:]}{tail}")

    async def sees_thumbnail(self, mxc: str, **query: Any) -> Answer:
        return await self.get(f"/_matrix/client/v1/media/thumbnail/{mxc[6:]}", **query)


def password_login(name: str, password: str = PASSWORD, **wish: Any) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": name}
    return {"type": "m.login.password", "identifier": identifier, "password": password, **wish}


def _shown(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
