"""Somebody who uses a real client: the verbs that tests use, whichever library speaks for them.

Each library answers in its own words; here they become the events as the protocol writes them.
"""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

Event = dict[str, Any]

PASSWORD = "a good password"
AT_ONCE = 1000  # events that a client asks for in one answer: no gap has to be filled
PATIENCE = 20  # seconds until news are missed; nothing is measured

_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name that nobody has had on this server."""
    return f"{name}-{next(_numbers)}"


class Face(NamedTuple):
    """How somebody is shown."""

    name: str | None
    avatar: str | None


class Ears:
    """What somebody's client has told them since it began to listen, in order."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._rung = asyncio.Event()

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self._rung.set()

    async def hears(self, wanted: Callable[[Event], bool]) -> Event:
        """The first such event, waiting for it if need be."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in self.heard[seen:]:
                    seen += 1
                    if wanted(event):
                        return event
                self._rung.clear()
                await self._rung.wait()

    async def hears_event(self, event_id: str) -> Event:
        return await self.hears(lambda event: event.get("event_id") == event_id)

    async def hears_of(self, type: str, room: str, **content: Any) -> Event:
        """An event of this type in this room with these fields in its content."""

        def wanted(event: Event) -> bool:
            inside = event.get("content", {})
            of_it = event["type"] == type and event.get("room_id") == room
            return of_it and all(inside.get(name) == value for name, value in content.items())

        return await self.hears(wanted)

    def texts(self, room: str) -> list[str]:
        """What was said in a room, as far as it is heard."""
        return [
            event["content"]["body"]
            for event in self.heard
            if event["type"] == "m.room.message" and event["room_id"] == room
        ]


class Person(Ears, ABC):
    """Somebody with an account and one client that listens in the background."""

    user_id: str
    device_id: str

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    @classmethod
    @abstractmethod
    async def registers(cls, url: str, name: str) -> Self: ...

    @classmethod
    @abstractmethod
    async def signs_in(cls, url: str, user: str, password: str = PASSWORD) -> Self:
        """Raises AssertionError when the server refuses."""

    @abstractmethod
    def listens(self) -> None:
        """Go on hearing from where it was stopped, or begin."""

    @abstractmethod
    async def stops(self) -> None:
        """Stop listening; the place is kept."""

    @abstractmethod
    async def ends(self) -> None:
        """Stop listening and close all connections."""

    @abstractmethod
    async def signs_out(self) -> None: ...

    @abstractmethod
    async def is_signed_in(self) -> bool: ...

    # Rooms

    @abstractmethod
    async def opens(self, name: str, *invited: "Person") -> str: ...

    @abstractmethod
    async def invites(self, room: str, guest: "Person") -> None: ...

    @abstractmethod
    async def joins(self, room: str) -> None: ...

    @abstractmethod
    async def leaves(self, room: str) -> None: ...

    @abstractmethod
    async def forgets(self, room: str) -> None: ...

    @abstractmethod
    async def rooms(self) -> list[str]: ...

    @abstractmethod
    async def members(self, room: str) -> Mapping[str, Face]: ...

    @abstractmethod
    async def state(self, room: str) -> list[Event]: ...

    @abstractmethod
    async def state_of(self, room: str, type: str, key: str = "") -> Event:
        """The content of one piece of the room's state."""

    # Conversation

    @abstractmethod
    async def sends(self, room: str, type: str, content: Event) -> str: ...

    async def says(self, room: str, text: str, **more: Any) -> str:
        return await self.sends(room, "m.room.message", {"msgtype": "m.text", "body": text} | more)

    @abstractmethod
    async def edits(self, room: str, event_id: str, text: str) -> str: ...

    @abstractmethod
    async def replies(self, room: str, event_id: str, text: str) -> str: ...

    @abstractmethod
    async def answers_in_thread(self, room: str, root: str, text: str) -> str: ...

    @abstractmethod
    async def reacts(self, room: str, event_id: str, key: str) -> str: ...

    @abstractmethod
    async def redacts(self, room: str, event_id: str, reason: str) -> str: ...

    @abstractmethod
    async def event(self, room: str, event_id: str) -> Event: ...

    @abstractmethod
    async def pages(self, room: str, limit: int) -> list[list[Event]]:
        """The room's history from now back to its beginning, page by page."""

    # Presence of all kinds

    @abstractmethod
    async def reads(self, room: str, event_id: str) -> None: ...

    @abstractmethod
    async def marks(self, room: str, event_id: str) -> None:
        """Set the marker of what is fully read."""

    @abstractmethod
    async def types(self, room: str) -> None: ...

    @abstractmethod
    async def is_there(self, status: str) -> None: ...

    @abstractmethod
    async def status_of(self, person: "Person") -> str | None: ...

    @abstractmethod
    async def is_called(self, name: str) -> None: ...

    @abstractmethod
    async def has_face(self, mxc: str) -> None: ...

    @abstractmethod
    async def profile_of(self, person: "Person") -> Face: ...

    # Media

    @abstractmethod
    async def uploads(self, data: bytes, type: str, name: str) -> str: ...

    @abstractmethod
    async def downloads(self, mxc: str) -> bytes: ...

    @abstractmethod
    async def thumbnail(self, mxc: str, width: int, height: int) -> bytes: ...

    @abstractmethod
    async def part_of(self, mxc: str, asked: str) -> tuple[int, str, bytes]:
        """Status, Content-Range and bytes of a range of a file."""


def media_path(mxc: str) -> str:
    return "/_matrix/client/v1/media/download/" + mxc.removeprefix("mxc://")
