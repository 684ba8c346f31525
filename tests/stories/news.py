"""One answer of /sync, as a story reads it."""

from typing import Any


class News:
    """Rooms and their parts out of a sync body; what is not there is empty."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body
        self.token: str = body["next_batch"]

    def rooms(self, where: str = "join") -> dict[str, Any]:
        """The rooms of one section: join, invite, knock or leave."""
        found: dict[str, Any] = self.body.get("rooms", {}).get(where, {})
        return found

    def room(self, room: str, where: str = "join") -> dict[str, Any]:
        found: dict[str, Any] = self.rooms(where).get(room, {})
        return found

    def timeline(self, room: str, where: str = "join") -> list[dict[str, Any]]:
        return _events(self.room(room, where), "timeline")

    def limited(self, room: str, where: str = "join") -> bool:
        return bool(self.room(room, where).get("timeline", {}).get("limited", False))

    def gap(self, room: str, where: str = "join") -> str:
        """The token from which /messages goes on backwards."""
        token: str = self.room(room, where)["timeline"]["prev_batch"]
        return token

    def state(self, room: str, where: str = "join", section: str = "state") -> list[dict[str, Any]]:
        return _events(self.room(room, where), section)

    def state_after(self, room: str, where: str = "join") -> list[dict[str, Any]]:
        section = "state_after"
        if "org.matrix.msc4222.state_after" in self.room(room, where):
            section = "org.matrix.msc4222.state_after"
        return _events(self.room(room, where), section)

    def stripped(self, room: str, where: str = "invite") -> list[dict[str, Any]]:
        """The stripped state of an invitation or a knock."""
        return _events(self.room(room, where), f"{where}_state")

    def texts(self, room: str, where: str = "join") -> list[str]:
        return texts(self.timeline(room, where))

    def ephemeral(self, room: str, type: str) -> list[dict[str, Any]]:
        return [e["content"] for e in _events(self.room(room), "ephemeral") if e["type"] == type]

    def typing(self, room: str) -> list[str] | None:
        """Who is typing, or None where nothing is said about that."""
        contents = self.ephemeral(room, "m.typing")
        return contents[-1]["user_ids"] if contents else None

    def receipts(self, room: str) -> list[tuple[str, str, str, str | None]]:
        """(event id, type, user id, thread id) of every receipt."""
        return [
            (event_id, type, user_id, mark.get("thread_id"))
            for content in self.ephemeral(room, "m.receipt")
            for event_id, types in content.items()
            for type, users in types.items()
            for user_id, mark in users.items()
        ]

    def account_data(self, room: str | None = None) -> dict[str, Any]:
        """Content by type, of one room or of the whole account."""
        where = self.body if room is None else self.room(room)
        return {event["type"]: event["content"] for event in _events(where, "account_data")}

    def counts(self, room: str) -> tuple[int, int]:
        """(notifications, highlights)."""
        found = self.room(room).get("unread_notifications", {})
        return found.get("notification_count", 0), found.get("highlight_count", 0)

    def thread_counts(self, room: str) -> dict[str, tuple[int, int]]:
        found = self.room(room).get("unread_thread_notifications", {})
        return {k: (v["notification_count"], v["highlight_count"]) for k, v in found.items()}

    def presence(self) -> dict[str, dict[str, Any]]:
        return {event["sender"]: event["content"] for event in _events(self.body, "presence")}

    def to_device(self) -> list[dict[str, Any]]:
        return _events(self.body, "to_device")


def _events(where: dict[str, Any], section: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = where.get(section, {}).get("events", [])
    return events


def texts(events: list[dict[str, Any]]) -> list[str]:
    """The bodies of the messages among these events."""
    return [
        e["content"].get("body", "") for e in events
        if e["type"] == "m.room.message" and "body" in e["content"]
    ]  # fmt: skip


def keys(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(type, state key) of the state events among these."""
    return {(e["type"], e["state_key"]) for e in events if "state_key" in e}


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


def find(events: list[dict[str, Any]], type: str, key: str = "") -> dict[str, Any]:
    """The last of these events with that type and state key."""
    return [e for e in events if e["type"] == type and e.get("state_key") == key][-1]
