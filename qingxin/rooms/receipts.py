"""What was read: receipts, public, private and per thread.

spec: client-server-api/#receipts
"""

from typing import Any

from msgspec import Struct

from qingxin.clock import Clock
from qingxin.errors import Forbidden, InvalidParam
from qingxin.log.append import Log
from qingxin.log.event import Event
from qingxin.store.database import Database, Insert, Row, Write
from qingxin.store.line import Entry, Record

READ, PRIVATE = "m.read", "m.read.private"
MAIN = "main"  # the thread id of what is in no thread
WHOLE = ""  # the thread column of a receipt that is for the whole room

COLUMNS = (
    "shard", "room_id", "user_id", "type", "thread", "event_id", "read_to", "ts", "position",
)  # fmt: skip
FORWARD = """(shard, room_id, user_id, type, thread) DO UPDATE SET
    event_id = excluded.event_id, read_to = excluded.read_to, ts = excluded.ts,
    position = excluded.position
    WHERE excluded.read_to >= receipts.read_to"""
CHANGED = """
    SELECT user_id, type, thread, event_id, read_to, ts FROM receipts
    WHERE shard = :shard AND room_id = :room_id AND position > :after AND position <= :until
        AND (type = 'm.read' OR user_id = :user_id)
    ORDER BY position
"""
NEWEST_IN = """
    SELECT room_id, max(position) FROM receipts
    WHERE shard = :shard AND room_id IN :rooms GROUP BY room_id
"""
MARKS = """
    SELECT room_id, thread, max(read_to) FROM receipts
    WHERE shard = :shard AND user_id = :user_id AND room_id IN :rooms GROUP BY room_id, thread
"""


class Receipt(Struct, frozen=True):
    """Somebody has read up to an event. `read_to` is its position; thread "" is the whole room."""

    user_id: str
    type: str
    thread: str
    event_id: str
    read_to: int
    ts: int


class Receipts:
    """The receipts of all rooms."""

    def __init__(self, log: Log, database: Database, clock: Clock) -> None:
        self._log = log
        self._database = database
        self._clock = clock
        self._known_from: int | None = None  # every receipt after this position is in _latest
        self._latest: dict[str, int] = {}  # room → position of its latest receipt
        log.line.on(Receipt, self._notice)
        log.line.on_gap(self._start_afresh)

    async def read(self, user_id: str, room_id: str, type: str, event_id: str, thread: str) -> None:
        """Note that a member has read up to an event. Raises Forbidden, NotFound, InvalidParam."""
        state = await self._log.history.states.of(room_id, (user_id,))
        if state.membership(user_id) != "join":
            raise Forbidden("You are not in this room.")
        event = await self._log.history.event(room_id, event_id)
        if not _is_in(event, thread):
            raise InvalidParam("This event is not in that thread.")
        receipt = Receipt(user_id, type, thread, event_id, event.position, self._clock.now())
        for_self = user_id if type == PRIVATE else None
        await self._log.line.append(
            Record(
                lambda number: [_row(self._log.line.shard, room_id, receipt, number)],
                room_id=room_id,
                user_id=for_self,
                news=receipt,
            )
        )

    async def changed(self, room_id: str, user_id: str, after: int, until: int) -> list[Receipt]:
        """The receipts of a room that moved in (after, until], as far as this user may see them."""
        if self._known_from is not None and after >= self._known_from:
            if self._latest.get(room_id, 0) <= after:
                return []
        rows = await self._database.all(
            CHANGED, shard=self._log.line.shard, room_id=room_id, after=after, until=until,
            user_id=user_id,
        )  # fmt: skip
        return [Receipt(*row) for row in rows]

    async def newest_in(self, rooms: list[str]) -> dict[str, int]:
        """The position of the latest receipt in each of these rooms."""
        shard = self._log.line.shard
        return dict(await self._database.all(NEWEST_IN, shard=shard, rooms=rooms))

    async def marks(self, user_id: str, rooms: list[str]) -> dict[str, dict[str, int]]:
        """For each room how far this user has read, by thread ("" is the whole room)."""
        found: dict[str, dict[str, int]] = {}
        rows = await self._database.all(
            MARKS, shard=self._log.line.shard, user_id=user_id, rooms=rooms
        )
        for room_id, thread, read_to in rows:
            found.setdefault(room_id, {})[thread] = read_to
        return found

    def _notice(self, number: int, entry: Entry) -> None:
        if entry.room_id is not None:
            self._latest[entry.room_id] = number

    def _start_afresh(self, number: int) -> None:
        self._known_from = number
        self._latest.clear()


def _is_in(event: Event, thread: str) -> bool:
    """A thread's root, and what refers to it, may be read in the thread too."""
    if thread == WHOLE:
        return True
    if thread == MAIN:
        return event.thread is None
    return thread in (event.thread, event.event_id, event.rel_to)


def _row(shard: int, room_id: str, receipt: Receipt, number: int) -> Write:
    row: Row = (
        shard, room_id, receipt.user_id, receipt.type, receipt.thread, receipt.event_id,
        receipt.read_to, receipt.ts, number,
    )  # fmt: skip
    return Insert("receipts", COLUMNS, [row], FORWARD)


def content_of(receipts: list[Receipt]) -> dict[str, Any]:
    """The content of an `m.receipt` event (spec: client-server-api/#mreceipt)."""
    content: dict[str, Any] = {}
    for receipt in receipts:
        mark: dict[str, Any] = {"ts": receipt.ts}
        if receipt.thread:
            mark["thread_id"] = receipt.thread
        readers = content.setdefault(receipt.event_id, {}).setdefault(receipt.type, {})
        # A receipt for the whole room and one for a thread may sit on one event; the whole wins.
        if receipt.user_id not in readers or not receipt.thread:
            readers[receipt.user_id] = mark
    return content
