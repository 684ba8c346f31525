"""Somebody whose client is built with matrix-nio."""

import asyncio
import io
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import nio

from tests.clients.person import AT_ONCE, PASSWORD, Event, Face, Person, media_path

Answer = TypeVar("Answer")


def granted(answer: object, expected: type[Answer]) -> Answer:
    assert isinstance(answer, expected), answer
    return answer


def relating(text: str, relation: Event, **more: Any) -> Event:
    return {"msgtype": "m.text", "body": text, "m.relates_to": relation, **more}


class NioPerson(Person):
    """Uses nio.AsyncClient."""

    def __init__(self, url: str, user: str) -> None:
        super().__init__(url)
        self.client = nio.AsyncClient(url, user)
        self.client.add_event_callback(self._hear_event, nio.Event)
        self.client.add_event_callback(self._hear_invitation, nio.InviteMemberEvent)
        self.client.add_ephemeral_callback(self._hear_typing, nio.TypingNoticeEvent)
        self.client.add_ephemeral_callback(self._hear_receipts, nio.ReceiptEvent)
        self.client.add_room_account_data_callback(self._hear_marker, nio.FullyReadEvent)
        self.client.add_presence_callback(self._hear_presence, nio.PresenceEvent)
        self._listening: asyncio.Task[None] | None = None

    async def _hear_event(self, room: nio.MatrixRoom, event: Any) -> None:
        assert not isinstance(event, nio.BadEvent | nio.UnknownBadEvent), event
        self.hear(event.source | {"room_id": room.room_id})

    async def _hear_invitation(self, room: nio.MatrixRoom, event: nio.InviteMemberEvent) -> None:
        content = event.content | {"membership": event.membership}
        self.hear(event.source | {"room_id": room.room_id, "content": content})

    async def _hear_typing(self, room: nio.MatrixRoom, event: nio.TypingNoticeEvent) -> None:
        content = {"user_ids": event.users}
        self.hear({"type": "m.typing", "room_id": room.room_id, "content": content})

    async def _hear_receipts(self, room: nio.MatrixRoom, event: nio.ReceiptEvent) -> None:
        content: Event = {}
        for each in event.receipts:
            of_event = content.setdefault(each.event_id, {}).setdefault(each.receipt_type, {})
            of_event[each.user_id] = {"ts": each.timestamp, "thread_id": each.thread_id}
        self.hear({"type": "m.receipt", "room_id": room.room_id, "content": content})

    async def _hear_marker(self, room: nio.MatrixRoom, event: nio.FullyReadEvent) -> None:
        content = {"event_id": event.event_id}
        self.hear({"type": "m.fully_read", "room_id": room.room_id, "content": content})

    async def _hear_presence(self, event: nio.PresenceEvent) -> None:
        content = {"presence": event.presence, "status_msg": event.status_msg}
        self.hear({"type": "m.presence", "sender": event.user_id, "content": content})

    @classmethod
    async def registers(cls, url: str, name: str) -> Self:
        person = cls(url, name)
        granted(await person.client.register(name, PASSWORD), nio.RegisterResponse)
        return person._begun()

    @classmethod
    async def signs_in(cls, url: str, user: str, password: str = PASSWORD) -> Self:
        person = cls(url, user)
        try:
            granted(await person.client.login(password, "A telephone"), nio.LoginResponse)
        except AssertionError:
            await person.client.close()
            raise
        return person._begun()

    def _begun(self) -> Self:
        self.user_id, self.device_id = self.client.user_id, self.client.device_id
        self.listens()
        return self

    def listens(self) -> None:
        chosen = {"room": {"timeline": {"limit": AT_ONCE}}}
        forever = self.client.sync_forever(30_000, chosen)
        self._listening = asyncio.create_task(forever)

    async def stops(self) -> None:
        assert self._listening
        self._listening.cancel()
        await asyncio.wait([self._listening])
        assert self._listening.cancelled(), self._listening.exception()

    async def ends(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self.client.close()

    async def signs_out(self) -> None:
        await self.stops()
        granted(await self.client.logout(), nio.LogoutResponse)

    async def is_signed_in(self) -> bool:
        return isinstance(await self.client.whoami(), nio.WhoamiResponse)

    async def opens(self, name: str, *invited: Person) -> str:
        answer = await self.client.room_create(
            name=name,
            preset=nio.RoomPreset.private_chat,
            invite=[person.user_id for person in invited],
        )
        return str(granted(answer, nio.RoomCreateResponse).room_id)

    async def invites(self, room: str, guest: Person) -> None:
        granted(await self.client.room_invite(room, guest.user_id), nio.RoomInviteResponse)

    async def joins(self, room: str) -> None:
        granted(await self.client.join(room), nio.JoinResponse)

    async def leaves(self, room: str) -> None:
        granted(await self.client.room_leave(room), nio.RoomLeaveResponse)

    async def forgets(self, room: str) -> None:
        granted(await self.client.room_forget(room), nio.RoomForgetResponse)

    async def rooms(self) -> list[str]:
        return list(granted(await self.client.joined_rooms(), nio.JoinedRoomsResponse).rooms)

    async def members(self, room: str) -> Mapping[str, Face]:
        answer = granted(await self.client.joined_members(room), nio.JoinedMembersResponse)
        return {each.user_id: Face(each.display_name, each.avatar_url) for each in answer.members}

    async def state(self, room: str) -> list[Event]:
        return list(
            granted(await self.client.room_get_state(room), nio.RoomGetStateResponse).events
        )

    async def state_of(self, room: str, type: str, key: str = "") -> Event:
        answer = await self.client.room_get_state_event(room, type, key)
        return dict(granted(answer, nio.RoomGetStateEventResponse).content)

    async def sends(self, room: str, type: str, content: Event) -> str:
        answer = await self.client.room_send(room, type, content)
        return str(granted(answer, nio.RoomSendResponse).event_id)

    async def edits(self, room: str, event_id: str, text: str) -> str:
        new = {"m.new_content": {"msgtype": "m.text", "body": text}}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return await self.sends(room, "m.room.message", relating(f"* {text}", relation, **new))

    async def replies(self, room: str, event_id: str, text: str) -> str:
        relation = {"m.in_reply_to": {"event_id": event_id}}
        return await self.sends(room, "m.room.message", relating(text, relation))

    async def answers_in_thread(self, room: str, root: str, text: str) -> str:
        relation = {
            "rel_type": "m.thread", "event_id": root, "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }  # fmt: skip
        return await self.sends(room, "m.room.message", relating(text, relation))

    async def reacts(self, room: str, event_id: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.sends(room, "m.reaction", {"m.relates_to": relation})

    async def redacts(self, room: str, event_id: str, reason: str) -> str:
        answer = await self.client.room_redact(room, event_id, reason)
        return str(granted(answer, nio.RoomRedactResponse).event_id)

    async def event(self, room: str, event_id: str) -> Event:
        answer = await self.client.room_get_event(room, event_id)
        return dict(granted(answer, nio.RoomGetEventResponse).event.source)

    async def pages(self, room: str, limit: int) -> list[list[Event]]:
        pages, place = [], None
        while True:
            answer = await self.client.room_messages(room, place, limit=limit)
            page = granted(answer, nio.RoomMessagesResponse)
            pages.append([each.source for each in page.chunk])
            if (place := page.end) is None:
                return pages

    async def reads(self, room: str, event_id: str) -> None:
        answer = await self.client.update_receipt_marker(room, event_id)
        granted(answer, nio.UpdateReceiptMarkerResponse)

    async def marks(self, room: str, event_id: str) -> None:
        answer = await self.client.room_read_markers(room, event_id, event_id)
        granted(answer, nio.RoomReadMarkersResponse)

    async def types(self, room: str) -> None:
        granted(await self.client.room_typing(room), nio.RoomTypingResponse)

    async def is_there(self, status: str) -> None:
        granted(await self.client.set_presence("online", status), nio.PresenceSetResponse)

    async def status_of(self, person: Person) -> str | None:
        answer = granted(await self.client.get_presence(person.user_id), nio.PresenceGetResponse)
        return answer.status_msg

    async def is_called(self, name: str) -> None:
        granted(await self.client.set_displayname(name), nio.ProfileSetDisplayNameResponse)

    async def has_face(self, mxc: str) -> None:
        granted(await self.client.set_avatar(mxc), nio.ProfileSetAvatarResponse)

    async def profile_of(self, person: Person) -> Face:
        answer = granted(await self.client.get_profile(person.user_id), nio.ProfileGetResponse)
        return Face(answer.displayname, answer.avatar_url)

    async def uploads(self, data: bytes, type: str, name: str) -> str:
        answer, _ = await self.client.upload(
            io.BytesIO(data), content_type=type, filename=name, filesize=len(data)
        )
        return str(granted(answer, nio.UploadResponse).content_uri)

    async def downloads(self, mxc: str) -> bytes:
        answer = granted(await self.client.download(mxc), nio.MemoryDownloadResponse)
        return bytes(answer.body)

    async def thumbnail(self, mxc: str, width: int, height: int) -> bytes:
        server, _, media = mxc.removeprefix("mxc://").partition("/")
        answer = await self.client.thumbnail(server, media, width, height)
        return bytes(granted(answer, nio.ThumbnailResponse).body)

    async def part_of(self, mxc: str, asked: str) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {self.client.access_token}", "Range": asked}
        answer = await self.client.send("GET", media_path(mxc), headers=headers)
        return answer.status, answer.headers["Content-Range"], await answer.read()
