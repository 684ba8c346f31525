"""Somebody whose client is built with mautrix-python."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from mautrix.api import Method, Path
from mautrix.client import Client, InternalEventType
from mautrix.client.state_store import MemoryStateStore, MemorySyncStore
from mautrix.errors import MatrixRequestError, MUnknownToken
from mautrix.types import (
    EventType,
    Filter,
    MessageType,
    PaginationDirection,
    PresenceState,
    RoomCreatePreset,
    RoomEventFilter,
    RoomFilter,
    TextMessageEventContent,
)

from tests.clients.person import AT_ONCE, PASSWORD, Event, Face, Person, media_path

RETRIES = 4


class MautrixPerson(Person):
    """Uses mautrix.client.Client."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.client = Client(
            base_url=url,
            default_retry_count=RETRIES,
            sync_store=MemorySyncStore(),
            state_store=MemoryStateStore(),
        )
        self._filter = Filter(room=RoomFilter(timeline=RoomEventFilter(limit=AT_ONCE)))
        self.client.add_event_handler(InternalEventType.SYNC_SUCCESSFUL, self._hear, wait_sync=True)

    async def _hear(self, news: dict[str, Any]) -> None:
        """The library dispatches each event to a task; this keeps them in order."""
        found = news["data"]
        for event in found.get("presence", {}).get("events", []):
            self.hear(event)
        rooms = found.get("rooms", {})
        for room_id, room in rooms.get("join", {}).items():
            for part in ("timeline", "ephemeral", "account_data"):
                for event in room.get(part, {}).get("events", []):
                    self.hear(event | {"room_id": room_id})
        for room_id, room in rooms.get("invite", {}).items():
            for event in room["invite_state"]["events"]:
                self.hear(event | {"room_id": room_id})

    @classmethod
    async def registers(cls, url: str, name: str) -> Self:
        person = cls(url)
        wish = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        answer = await person.client.api.request(Method.POST, Path.v3.register, wish)
        person.client.mxid = answer["user_id"]
        person.client.device_id = answer["device_id"]
        person.client.api.token = answer["access_token"]
        return person._begun()

    @classmethod
    async def signs_in(cls, url: str, user: str, password: str = PASSWORD) -> Self:
        person = cls(url)
        try:
            await person.client.login(user, password=password, device_name="A telephone")
        except MatrixRequestError as error:
            await person.client.api.session.close()
            raise AssertionError from error
        return person._begun()

    def _begun(self) -> Self:
        self.user_id, self.device_id = self.client.mxid, self.client.device_id
        self.listens()
        return self

    def listens(self) -> None:
        self._listening = self.client.start(self._filter)

    async def stops(self) -> None:
        self.client.stop()
        await asyncio.wait([self._listening])

    async def ends(self) -> None:
        if self.client.syncing_task:
            await self.stops()
        await self.client.api.session.close()

    async def signs_out(self) -> None:
        await self.stops()
        await self.client.logout(clear_access_token=False)

    async def is_signed_in(self) -> bool:
        try:
            await self.client.whoami()
        except MUnknownToken:
            return False
        return True

    async def opens(self, name: str, *invited: Person) -> str:
        return str(
            await self.client.create_room(
                name=name,
                preset=RoomCreatePreset.PRIVATE,
                invitees=[person.user_id for person in invited],
            )
        )

    async def invites(self, room: str, guest: Person) -> None:
        await self.client.invite_user(room, guest.user_id)

    async def joins(self, room: str) -> None:
        await self.client.join_room(room)

    async def leaves(self, room: str) -> None:
        await self.client.leave_room(room)

    async def forgets(self, room: str) -> None:
        await self.client.forget_room(room)

    async def rooms(self) -> list[str]:
        return list(await self.client.get_joined_rooms())

    async def members(self, room: str) -> Mapping[str, Face]:
        members = await self.client.get_joined_members(room)
        return {user: Face(each.displayname, each.avatar_url) for user, each in members.items()}

    async def state(self, room: str) -> list[Event]:
        return [event.serialize() for event in await self.client.get_state(room)]

    async def state_of(self, room: str, type: str, key: str = "") -> Event:
        kind = EventType.find(type, EventType.Class.STATE)
        return dict((await self.client.get_state_event(room, kind, key)).serialize())

    async def sends(self, room: str, type: str, content: Event) -> str:
        return str(await self.client.send_message_event(room, EventType.find(type), content))

    async def _says_with(self, room: str, content: TextMessageEventContent) -> str:
        return str(await self.client.send_message(room, content))

    async def edits(self, room: str, event_id: str, text: str) -> str:
        content = TextMessageEventContent(msgtype=MessageType.TEXT, body=text)
        content.set_edit(event_id)
        return await self._says_with(room, content)

    async def replies(self, room: str, event_id: str, text: str) -> str:
        content = TextMessageEventContent(msgtype=MessageType.TEXT, body=text)
        content.set_reply(event_id)
        return await self._says_with(room, content)

    async def answers_in_thread(self, room: str, root: str, text: str) -> str:
        content = TextMessageEventContent(msgtype=MessageType.TEXT, body=text)
        content.set_thread_parent(root)
        return await self._says_with(room, content)

    async def reacts(self, room: str, event_id: str, key: str) -> str:
        return str(await self.client.react(room, event_id, key))

    async def redacts(self, room: str, event_id: str, reason: str) -> str:
        return str(await self.client.redact(room, event_id, reason))

    async def event(self, room: str, event_id: str) -> Event:
        return dict((await self.client.get_event(room, event_id)).serialize())

    async def pages(self, room: str, limit: int) -> list[list[Event]]:
        pages, place = [], None
        while True:
            page = await self.client.get_messages(
                room, PaginationDirection.BACKWARD, place, limit=limit
            )
            pages.append([event.serialize() for event in page.events])
            if not (place := page.end):
                return pages

    async def reads(self, room: str, event_id: str) -> None:
        await self.client.send_receipt(room, event_id)

    async def marks(self, room: str, event_id: str) -> None:
        await self.client.set_fully_read_marker(room, event_id, event_id)

    async def types(self, room: str) -> None:
        await self.client.set_typing(room, 30_000)

    async def is_there(self, status: str) -> None:
        await self.client.set_presence(PresenceState.ONLINE, status)

    async def status_of(self, person: Person) -> str | None:
        return (await self.client.get_presence(person.user_id)).status_msg

    async def is_called(self, name: str) -> None:
        await self.client.set_displayname(name)

    async def has_face(self, mxc: str) -> None:
        await self.client.set_avatar_url(mxc)

    async def profile_of(self, person: Person) -> Face:
        found = await self.client.get_profile(person.user_id)
        return Face(found.displayname, found.avatar_url)

    async def uploads(self, data: bytes, type: str, name: str) -> str:
        return str(await self.client.upload_media(data, type, name))

    async def downloads(self, mxc: str) -> bytes:
        return await self.client.download_media(mxc)

    async def thumbnail(self, mxc: str, width: int, height: int) -> bytes:
        return await self.client.download_thumbnail(mxc, width, height, "scale")

    async def part_of(self, mxc: str, asked: str) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {self.client.api.token}", "Range": asked}
        address = self.url + media_path(mxc)
        async with self.client.api.session.get(address, headers=headers) as answer:
            return answer.status, answer.headers["Content-Range"], await answer.read()
