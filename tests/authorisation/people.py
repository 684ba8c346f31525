"""Those who call: somebody whose things are asked for, and everybody else."""

from urllib.parse import quote

from tests.authorisation.table import Row
from tests.stories.answers import Answer
from tests.stories.cast import Caller, Person
from tests.stories.server import Server


async def marked(server: Server, **flags: bool) -> Person:
    """Somebody who is `moderator`, `locked` or `suspended`."""
    person = await server.register("marked")
    await server.app.accounts.mark(person.user_id, **flags)
    server.app.sessions.changed(person.user_id)
    return person


async def closed(server: Server) -> Person:
    """Somebody whose account was closed while their client kept its token."""
    person = await server.register("closed")
    await server.app.close_account(person.user_id, erase=False)
    return person


class Owner:
    """Somebody with things of every kind, whose ids fill the paths of the table."""

    person: Person

    def __init__(self, server: Server) -> None:
        self._server = server

    async def arrives(self) -> "Owner":
        self.person = person = await self._server.register("owner")
        self.room = await person.creates(name="Owner's room")
        self.event = await person.says(self.room, "private words")
        self.picture = await person.uploads(b"private bytes")
        self.filter = (await person.post(f"/user/{person.user_id}/filter"))["filter_id"]
        await person.keeps("org.example.type", {"a": 1})
        await person.keeps("org.example.type", {"a": 1}, self.room)
        return self

    def path(self, row: Row) -> str:
        """The row's path about this person and their things."""
        path, question, query = row.path.partition("?")
        for name, value in self._values(row).items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        assert "{" not in path, path
        return path + question + query

    def body(self, row: Row) -> bytes | None:
        """The row's body about the same; None where the method has none."""
        text = row.body
        for name, value in self._values(row).items():
            text = text.replace(f"{{{name}}}", value)
        return text.encode() or None

    def _values(self, row: Row) -> dict[str, str]:
        server_name, media_id = self.picture[6:].split("/")
        return {
            "user_id": self.person.user_id, "device_id": self.person.device_id,
            "room_id": self.room, "room": self.room, "event_id": self.event,
            "server_name": server_name, "media_id": media_id, "file_name": "file",
            "type": "m.read" if "/receipt/" in row.path else "org.example.type",
            "event_type": _event_type(row.path), "state_key": self.person.user_id,
            "filter_id": self.filter, "field": "displayname", "tag": "u.work", "txn_id": "txn",
            "alias": f"#nowhere-{self.person.localpart}:example.org",
            "rel_type": "m.annotation", "kind": "override", "rule_id": ".m.rule.master",
        }  # fmt: skip


def _event_type(path: str) -> str:
    if "/state/" not in path:
        return "m.room.message"
    return "m.room.member" if "{state_key}" in path else "m.room.name"


async def asks(person: Caller, owner: Owner, row: Row) -> Answer:
    """The row's request by this person, about the owner's things."""
    return await person.call(row.method, owner.path(row), raw=owner.body(row))
