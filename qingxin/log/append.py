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
from qingxin.log.speech import Floor, Founding, Screen, Speech, Unchanged
from qingxin.store.database import ConstraintViolated, Database
from qingxin.store.line import Entry, Line

SINCE = f"""
    SELECT {SELECTED} FROM events e
    WHERE e.shard = :shard AND e.position > :after AND e.position <= :until ORDER BY e.position
"""
MOST_TO_CATCH_UP = 20_000  # positions; further behind, starting afresh is cheaper


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
        line.listen(self.announce, self.catch_up)

    def listen(self, listener: Callable[[int, Entry], None]) -> None:
        """Call `listener` with every entry that is committed here, after the commit."""
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
        """After a commit of ours: remember, then ring."""
        events: list[Event] = []
        for number, entry in committed:
            if isinstance(entry, Speech):
                self._remember(entry)
                events += entry.events
            else:
                self._feed.entry(number, entry)
        self._feed.events(events)
        for number, entry in committed:
            for listener in self._listeners:
                listener(number, entry)

    def _remember(self, speech: Speech) -> None:
        states, tail = self.history.states, self.history.tail
        if speech.founding is not None:
            state = speech.founding.state()
            newcomers = [e.state_key for e in speech.events if e.type == MEMBER and e.state_key]
            state.members.update(dict.fromkeys(newcomers))
            states.found(state)
        for event in speech.events:
            tail.add(event)
            states.apply(event)
        for redaction in speech.redactions:
            redaction.strike(self.history)

    async def catch_up(self, after: int, until: int) -> None:
        """Learn what other processes, or an earlier life of this one, have committed."""
        tail, states = self.history.tail, self.history.states
        if after == 0 or until - after > MOST_TO_CATCH_UP:
            tail.start(until)
            self._feed.number = until
            return self._feed.reset()
        rows = await self._database.all(SINCE, shard=self.line.shard, after=after, until=until)
        events = [Event.of(row) for row in rows]
        for event in events:
            tail.add(event)
            if event.state_key is not None or event.redacts is not None:
                states.forget(event.room_id)
            if event.redacts is not None and tail.find(event.redacts) is not None:
                tail.start(until)
        self._feed.events(events)
        self._feed.number = until

    def _name(self, draft: Draft) -> str:
        return "$" + ids.digest(
            self._server_name, draft.sender, draft.device_id or "", draft.room_id, draft.type,
            draft.redacts or "", draft.txn_id or "",
        )  # fmt: skip
