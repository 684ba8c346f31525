"""Saying something: drafts become events, checked, numbered and durable, in one call.

`Log.append` is the only way into the log. After it returns, the event is on the disk and
everybody concerned has been told.
"""

import asyncio
from collections.abc import Callable, Sequence

from qingxin import ids
from qingxin.clock import Clock
from qingxin.log.canonical import validate
from qingxin.log.event import MEMBER, SELECTED, Draft, Event
from qingxin.log.feed import Feed
from qingxin.log.read import History
from qingxin.log.redact import made_by
from qingxin.log.speech import Floor, Founding, Said, Screen, Speech, Unchanged
from qingxin.store.database import ConstraintViolated, Database
from qingxin.store.line import Entry, Line

SINCE = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.position > :after AND e.position <= :until ORDER BY e.position
"""


class Log:
    """The log of one shard."""

    def __init__(
        self,
        database: Database,
        line: Line,
        history: History,
        feed: Feed,
        clock: Clock,
        *,
        server_name: str,
        screens: Sequence[Screen] = (),
    ) -> None:
        self.line = line
        self.history = history
        self._database = database
        self._feed = feed
        self._floor = Floor(history, clock, line.shard, screens)
        self._server_name = server_name
        self._sending: dict[str, asyncio.Future[Event]] = {}
        self._listeners: list[Callable[[int, Entry], None]] = []
        line.listen(self.announce, self.others)
        line.on_gap(self._start_afresh)

    def listen(self, listener: Callable[[int, Entry], None]) -> None:
        """Call `listener` with every entry after its commit, whichever process made it."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Find the end of the line. The tail begins there."""
        await self.line.refresh()

    async def append(self, draft: Draft) -> Event:
        """Say it: checked, durable, announced. The same transaction id gives the same event.

        Raises Forbidden, BadJson, TooLarge, NotFound, Unavailable.
        """
        validate(draft)
        if draft.txn_id is None:
            return (await self.append_all([draft]))[0]
        draft.event_id = self._name(draft)
        if (sending := self._sending.get(draft.event_id)) is not None:
            return await asyncio.shield(sending)
        sending = asyncio.ensure_future(self._append_once(draft))
        self._sending[draft.event_id] = sending
        sending.add_done_callback(lambda _: self._sending.pop(draft.event_id or "", None))
        return await asyncio.shield(sending)

    async def _append_once(self, draft: Draft) -> Event:
        event_id = draft.event_id or ""
        if (event := await self.history.find(event_id)) is not None:
            return event
        try:
            return (await self.append_all([draft]))[0]
        except ConstraintViolated:  # another process was quicker with the same transaction
            if (event := await self.history.find(event_id)) is not None:
                return event
            raise

    async def append_all(
        self, drafts: Sequence[Draft], founding: Founding | None = None
    ) -> list[Event]:
        """Say several things in one room, all or none, in this order."""
        for draft in drafts:
            validate(draft)
        speech = Speech(self._floor, drafts, founding)
        try:
            await self.line.append(speech)
        except Unchanged as unchanged:
            return unchanged.events
        return speech.said

    def announce(self, committed: Sequence[tuple[int, Entry]]) -> None:
        """After a commit, ours or another process's: remember, then ring."""
        events: list[Event] = []
        for number, entry in committed:
            if isinstance(entry, Said):
                self._remember(entry)
                events += entry.events
            else:
                self._feed.entry(number, entry)
        self._feed.events(events)
        for number, entry in committed:
            for listener in self._listeners:
                listener(number, entry)

    def _remember(self, said: Said) -> None:
        states, tail = self.history.states, self.history.tail
        if isinstance(said, Speech) and said.founding is not None:
            state = said.founding.state()
            newcomers = [e.state_key for e in said.events if e.type == MEMBER and e.state_key]
            state.members.update(dict.fromkeys(newcomers))
            states.found(state)
        for event in said.events:
            tail.add(event)
            states.apply(event)
            if event.rel_to is not None and (parent := tail.find(event.rel_to)) is not None:
                parent.related = 1
        for redaction in said.redactions:
            redaction.strike(self.history)

    async def others(self, after: int, until: int) -> list[tuple[int, Entry]]:
        """What other processes said in (after, until], as if it had been said here."""
        rows = await self._database.all(SINCE, shard=self.line.shard, after=after, until=until)
        events = [Event.of(row) for row in rows]
        redactions = await made_by(self.history, events)
        return [(e.position, Said(e.room_id, [e], redactions.get(e.event_id, ()))) for e in events]

    def _start_afresh(self, number: int) -> None:
        """Forget what may be out of date: what was said up to `number` is not known one by one."""
        self.history.tail.start(number)
        self.history.states.clear()
        self._feed.reset(number)

    def _name(self, draft: Draft) -> str:
        return "$" + ids.digest(
            self._server_name, draft.sender, draft.device_id or "", draft.room_id, draft.type,
            draft.redacts or "", draft.txn_id or "",
        )  # fmt: skip
