"""An event as it stands in the log, and its encoding for clients, done once.

Content stays raw JSON bytes until somebody must read it.
spec: client-server-api/#events
"""

from typing import Any

import msgspec
from msgspec import Struct, structs

from qingxin.store.database import Row

MEMBER = "m.room.member"
MAX_EVENT = 65_536  # bytes of a whole event (spec: client-server-api/#size-limits)

COLUMNS = (
    "shard", "position", "room_id", "event_id", "type", "state_key", "sender", "ts", "content",
    "unsigned", "redacts", "redacted_by", "rel_type", "rel_to", "thread", "related",
    "device_id", "txn_id",
)  # fmt: skip
SELECTED = ", ".join(f"e.{name}" for name in COLUMNS)


class Draft(Struct, kw_only=True):
    """What somebody wants to say, before the log has accepted it."""

    room_id: str
    sender: str
    type: str
    content: dict[str, Any]
    state_key: str | None = None
    redacts: str | None = None
    device_id: str | None = None
    txn_id: str | None = None
    event_id: str | None = None  # known beforehand where a transaction id names it


class Event(Struct):
    """One accepted event, in the order of COLUMNS. `position` is its number in its shard's line."""

    shard: int
    position: int
    room_id: str
    event_id: str
    type: str
    state_key: str | None
    sender: str
    ts: int
    content: bytes
    unsigned: bytes  # further members of `unsigned`, encoded and comma-led, or empty
    redacts: str | None
    redacted_by: str | None
    rel_type: str | None
    rel_to: str | None
    thread: str | None
    related: int  # 1 when other events refer to this one
    device_id: str | None
    txn_id: str | None
    _head: bytes | None = None
    _decoded: dict[str, Any] | None = None

    @classmethod
    def of(cls, row: Row) -> "Event":
        """From a row of SELECTED columns."""
        return cls(*row)

    def row(self) -> Row:
        """The values for COLUMNS."""
        return structs.astuple(self)[: len(COLUMNS)]

    def decoded(self) -> dict[str, Any]:
        """The content as a value; shared, so it must not be changed."""
        if self._decoded is None:
            self._decoded = msgspec.json.decode(self.content)
        return self._decoded

    @property
    def membership(self) -> str | None:
        """The membership that a member event sets."""
        if self.type != MEMBER:
            return None
        membership: str = self.decoded().get("membership", "leave")
        return membership

    @property
    def is_state(self) -> bool:
        return self.state_key is not None

    def head(self) -> bytes:
        """The members that are the same for every reader, encoded once, without braces."""
        if self._head is None:
            parts = [
                b'"content":', self.content,
                b',"event_id":"', self.event_id.encode(),
                b'","origin_server_ts":', b"%d" % self.ts,
                b',"sender":', msgspec.json.encode(self.sender),
                b',"type":', msgspec.json.encode(self.type),
            ]  # fmt: skip
            if self.state_key is not None:
                parts += [b',"state_key":', msgspec.json.encode(self.state_key)]
            if self.redacts is not None:
                parts += [b',"redacts":', msgspec.json.encode(self.redacts)]
            self._head = b"".join(parts)
        return self._head

    def redact(self, content: bytes, redacted_by: str, because: bytes) -> None:
        """Take the content away, as `because` (an encoded event) asked."""
        self.content, self.redacted_by = content, redacted_by
        self.unsigned = b',"redacted_because":' + because
        self.rel_type = self.rel_to = self.thread = None
        self._head = self._decoded = None


class Reader(Struct, frozen=True):
    """For whom and when an event is encoded: its sender's own device sees its transaction id."""

    user_id: str = ""
    device_id: str = ""
    now: int = 0


def encode(
    event: Event,
    reader: Reader,
    *,
    room_id: bool = True,
    relations: bytes = b"",
    membership: str | None = None,
) -> bytes:
    """The event as one reader sees it, as JSON bytes.

    `relations` is an encoded `m.relations` object; `room_id` is left out in /sync.
    spec: client-server-api/#room-event-format
    """
    parts = [b"{", event.head()]
    if room_id:
        parts += [b',"room_id":"', event.room_id.encode(), b'"']
    parts.append(b',"unsigned":{"age":%d' % max(reader.now - event.ts, 0))
    if event.unsigned:
        parts.append(event.unsigned)
    if event.txn_id and event.device_id == reader.device_id and event.sender == reader.user_id:
        parts += [b',"transaction_id":', msgspec.json.encode(event.txn_id)]
    if relations:
        parts += [b',"m.relations":', relations]
    if membership:
        parts += [b',"membership":"', membership.encode(), b'"']
    parts.append(b"}}")
    return b"".join(parts)


def stripped(event: Event) -> bytes:
    """A state event for those who are not in the room (spec: #stripped-state)."""
    return b"".join(
        (
            b'{"content":', event.content,
            b',"sender":', msgspec.json.encode(event.sender),
            b',"state_key":', msgspec.json.encode(event.state_key),
            b',"type":', msgspec.json.encode(event.type), b"}",
        )
    )  # fmt: skip


def relation(content: dict[str, Any]) -> tuple[str | None, str | None]:
    """The (rel_type, event_id) that a content declares (spec: #forming-relationships)."""
    relates = content.get("m.relates_to")
    if not isinstance(relates, dict):
        return None, None
    kind, parent = relates.get("rel_type"), relates.get("event_id")
    if isinstance(kind, str) and isinstance(parent, str) and "\0" not in kind + parent:
        return kind[:255], parent[:255]
    return None, None
