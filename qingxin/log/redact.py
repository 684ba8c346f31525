"""Taking a message back: what it said goes, in the database and in memory.

spec: client-server-api/#redactions
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from qingxin.log.event import Event, Reader, encode
from qingxin.log.read import History
from qingxin.log.versions import Version, redacted
from qingxin.store.database import Write, sql

REDACT = """
    UPDATE events SET content = :content, unsigned = :unsigned, redacted_by = :redacted_by,
        rel_type = NULL, rel_to = NULL, thread = NULL
    WHERE shard = :shard AND event_id = :event_id
"""
FORGET_PREVIOUS = """
    UPDATE events SET unsigned = :nothing
    WHERE shard = :shard AND redacted_by IS NULL AND position IN (
        SELECT min(position) FROM events
        WHERE shard = :shard AND room_id = :room_id AND type = :type AND state_key = :state_key
            AND position > :position
    )
"""


class Redaction(Struct, frozen=True):
    """`because` takes back `target`, of which only `content` is left."""

    target: Event
    because: Event
    content: bytes

    @classmethod
    def of(cls, target: Event, because: Event, version: Version) -> "Redaction":
        left = redacted(version, target.type, target.decoded())
        return cls(target, because, msgspec.json.encode(left))

    def writes(self) -> list[Write]:
        target = self.target
        struck: list[Write] = [
            sql(
                REDACT,
                content=self.content,
                unsigned=b',"redacted_because":' + encode(self.because, Reader()),
                redacted_by=self.because.event_id,
                shard=target.shard,
                event_id=target.event_id,
            )
        ]
        if target.state_key is not None:
            # The event that replaced it quotes it in `prev_content`.
            struck.append(
                sql(
                    FORGET_PREVIOUS,
                    nothing=b"",
                    shard=target.shard,
                    room_id=target.room_id,
                    type=target.type,
                    state_key=target.state_key,
                    position=target.position,
                )
            )
        return struck

    def strike(self, history: History) -> None:
        """Do the same to every copy in memory."""
        target, because = self.target, encode(self.because, Reader())
        copies = {id(target): target}
        if (in_tail := history.tail.find(target.event_id)) is not None:
            copies[id(in_tail)] = in_tail
        if target.state_key is not None:
            state = history.states.loaded(target.room_id)
            current = state.get(target.type, target.state_key) if state else None
            if current is not None and current.event_id == target.event_id:
                copies[id(current)] = current
            self._forget_previous(history, current)
        for event in copies.values():
            event.redact(self.content, self.because.event_id, because)

    def _forget_previous(self, history: History, current: Event | None) -> None:
        target, tail = self.target, history.tail
        later = tail.after(target.room_id, max(target.position, tail.floor)) or []
        for event in (*later, *([current] if current else [])):
            if (event.type, event.state_key) == (target.type, target.state_key):
                if event.position > target.position and not event.redacted_by:
                    event.unsigned = b""


class TakenBack(Struct, frozen=True):
    """News for the line."""

    redactions: Sequence[Redaction]


async def made_by(history: History, events: Sequence[Event]) -> dict[str, list[Redaction]]:
    """What these events of another process took back, and left in the database, by their ids."""
    because = {event.event_id: event for event in events if event.redacts is not None}
    made: dict[str, list[Redaction]] = {}
    for target in await history.stored([event.redacts or "" for event in because.values()]):
        if (event := because.get(target.redacted_by or "")) is not None:
            made.setdefault(event.event_id, []).append(Redaction(target, event, target.content))
    return made
