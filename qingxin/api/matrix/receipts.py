"""What was read, and who is typing (spec: client-server-api/#receipts, #typing-notifications)."""

from typing import Any

import msgspec
from msgspec import Struct, field

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import Forbidden, InvalidParam, NotFound
from qingxin.log.append import Log
from qingxin.people.preferences import Preferences
from qingxin.rooms.ephemeral import Typing
from qingxin.rooms.receipts import MAIN, PRIVATE, READ, WHOLE, Receipts

ROOM = "/_matrix/client/v3/rooms/{room_id}"
FULLY_READ = "m.fully_read"


class ThreadOf(Struct, frozen=True):
    """Body of POST /receipt."""

    thread_id: str | None = None


class Markers(Struct, frozen=True):
    """Body of POST /read_markers."""

    fully_read: str | None = field(name="m.fully_read", default=None)
    read: str | None = field(name="m.read", default=None)
    private: str | None = field(name="m.read.private", default=None)


class IsTyping(Struct, frozen=True):
    """Body of PUT /typing."""

    typing: bool
    timeout: int = 30_000


class ReceiptEndpoints:
    """Marks as read."""

    def __init__(
        self, log: Log, receipts: Receipts, preferences: Preferences, typing: Typing
    ) -> None:
        self._log = log
        self._history = log.history
        self._receipts = receipts
        self._preferences = preferences
        self._typing = typing

    @route("POST", *also_r0(f"{ROOM}/receipt/{{type}}/{{event_id}}"), limit="receipt")
    async def receipt(self, call: Call, room_id: str, type: str, event_id: str) -> None:
        body = await call.json(ThreadOf, empty=True)
        if type not in (READ, PRIVATE, FULLY_READ):
            raise InvalidParam(f"A receipt is {READ}, {PRIVATE} or {FULLY_READ}.")
        if type == FULLY_READ:
            if body.thread_id is not None:
                raise InvalidParam("The fully-read marker knows no threads.")
            return await self._fully_read(call, room_id, event_id)
        thread = await self._thread(room_id, event_id, body.thread_id)
        await self._read(call, room_id, type, event_id, thread)

    @route("POST", *also_r0(f"{ROOM}/read_markers"), limit="receipt")
    async def markers(self, call: Call, room_id: str) -> None:
        body = await call.json(Markers, empty=True)
        if body.fully_read is not None:
            await self._fully_read(call, room_id, body.fully_read)
        for type, event_id in ((READ, body.read), (PRIVATE, body.private)):
            if event_id is not None:
                await self._read(call, room_id, type, event_id, WHOLE)

    @route("PUT", *also_r0(f"{ROOM}/typing/{{user_id}}"), limit="typing")
    async def typing(self, call: Call, room_id: str, user_id: str) -> None:
        body = await call.json(IsTyping)
        if user_id != call.caller.user_id:
            raise Forbidden("You can say only of yourself that you are typing.")
        state = await self._history.states.of(room_id, (user_id,))
        if state.membership(user_id) != "join":
            raise Forbidden("You are not in this room.")
        if body.typing:
            self._typing.start(room_id, user_id, body.timeout)
        else:
            self._typing.stop(room_id, user_id)

    async def _read(self, call: Call, room_id: str, type: str, event_id: str, thread: str) -> None:
        await self._receipts.read(call.caller.user_id, room_id, type, event_id, thread)

    async def _thread(self, room_id: str, event_id: str, thread_id: str | None) -> str:
        """The thread a receipt is for, which has to be the event's own.

        spec: client-server-api/#threaded-read-receipts
        """
        if thread_id is None:
            return WHOLE
        if thread_id == "" or "\0" in thread_id:
            raise InvalidParam("thread_id is main or the event id of a thread's first message.")
        event = await self._history.event(room_id, event_id)
        if event.thread not in (None, thread_id) and thread_id != MAIN:
            raise InvalidParam("That event belongs to another thread.")
        return thread_id

    async def _fully_read(self, call: Call, room_id: str, event_id: str) -> None:
        """The marker moves forwards only."""
        user_id = call.caller.user_id
        state = await self._history.states.of(room_id, (user_id,))
        if state.membership(user_id) != "join":
            raise Forbidden("You are not in this room.")
        event = await self._history.event(room_id, event_id)
        before = await self._marker(user_id, room_id)
        if before is None or before < event.position:
            content: dict[str, Any] = {"event_id": event_id}
            await self._preferences.put(user_id, FULLY_READ, content, room_id=room_id)

    async def _marker(self, user_id: str, room_id: str) -> int | None:
        stored = await self._preferences.get(user_id, FULLY_READ, room_id=room_id)
        if stored is None:
            return None
        try:
            marked = msgspec.json.decode(stored).get("event_id", "")
            return (await self._history.event(room_id, marked)).position
        except NotFound:
            return None
