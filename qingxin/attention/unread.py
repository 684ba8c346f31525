"""The ledger of what is unread: exact counts per room and thread, by each person's push rules.

A tally is kept in memory per person and room and carried on by what is new; a receipt, a
redaction or a changed rule makes it be counted afresh from the last read position. A send
costs nothing here, however many members a room has.
spec: client-server-api/#receiving-notifications
"""

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

from msgspec import Struct

from qingxin.attention.facts import Facts
from qingxin.attention.pushrules import PushRules
from qingxin.attention.ruleset import Ruleset
from qingxin.log import access
from qingxin.log.append import Log
from qingxin.log.event import Event
from qingxin.log.redact import TakenBack
from qingxin.log.state import RoomState
from qingxin.people.preferences import Preferences
from qingxin.rooms.receipts import MAIN, WHOLE, Receipt, Receipts
from qingxin.store.line import Entry

MOST_TALLIES = 50_000
MOST_FACTS = 4_000
PAGE = 1_000  # events counted at a time


class Counts(Struct):
    """How many events notify, and how many of those with a highlight."""

    notifications: int = 0
    highlights: int = 0


class Taste(Struct, frozen=True):
    """What decides whether an event notifies somebody: their push rules, and whom they ignore."""

    ruleset: Ruleset
    ignored: frozenset[str]

    def is_still(self, other: "Taste") -> bool:
        return self.ruleset is other.ruleset and self.ignored == other.ignored


class Tally(Struct):
    """What one person has not read in one room up to `until`, by thread."""

    marks: dict[str, int]  # thread → read up to; "" is the whole room
    since: int  # nothing before this person's own coming in counts
    until: int
    taste: Taste
    threads: dict[str, Counts] = {}
    moved: dict[str, int] = {}  # thread → its mark, which has moved since the thread was counted

    def read(self, thread: str, read_to: int) -> None:
        """A receipt has come in."""
        if read_to > self.marks.get(thread, 0):
            self.marks[thread] = self.moved[thread] = read_to

    def is_unread(self, event: Event) -> bool:
        thread = event.thread or MAIN
        read_to = max(self.marks.get(WHOLE, 0), self.marks.get(thread, 0), self.since)
        return event.position > read_to

    @property
    def total(self) -> Counts:
        counts = self.threads.values()
        return Counts(sum(c.notifications for c in counts), sum(c.highlights for c in counts))


class Unread:
    """Everybody's tallies."""

    def __init__(
        self, log: Log, receipts: Receipts, rules: PushRules, preferences: Preferences
    ) -> None:
        self._history = log.history
        self._receipts = receipts
        self._rules = rules
        self._preferences = preferences
        self._tallies: OrderedDict[tuple[str, str], Tally] = OrderedDict()
        self._facts: OrderedDict[str, Facts] = OrderedDict()
        self._redacted: dict[str, int] = {}  # room → position of its latest redaction
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        log.line.on(Receipt, self._read)
        log.line.on(TakenBack, self._strike)
        log.line.on_gap(self._start_afresh)

    async def tally(self, user_id: str, room_id: str, until: int) -> Tally:
        """What this member has not read in the room up to position `until`."""
        async with self._lock(user_id):
            taste = await self._taste(user_id)
            tally = self._tallies.get((user_id, room_id))
            if tally is None or not self._holds(tally, taste, room_id, until):
                (tally,) = await self._open(user_id, [room_id], taste)
            else:
                self._tallies.move_to_end((user_id, room_id))
            await self._carry_on(tally, user_id, room_id, until)
            return tally

    async def prime(self, user_id: str, rooms: list[str]) -> None:
        """Begin the tallies of many rooms with one read, before they are asked for."""
        async with self._lock(user_id):
            missing = [room_id for room_id in rooms if (user_id, room_id) not in self._tallies]
            if missing:
                await self._open(user_id, missing, await self._taste(user_id))

    def _lock(self, user_id: str) -> asyncio.Lock:
        """One person's devices count one after another, or they would count things twice."""
        return self._locks.setdefault(user_id, asyncio.Lock())

    async def _taste(self, user_id: str) -> Taste:
        ignored = await self._preferences.ignored(user_id)
        return Taste(await self._rules.ruleset(user_id), ignored)

    def _holds(self, tally: Tally, taste: Taste, room_id: str, until: int) -> bool:
        if tally.until > until or not tally.taste.is_still(taste):
            return False
        return self._redacted.get(room_id, 0) <= tally.until

    async def _open(self, user_id: str, rooms: list[str], taste: Taste) -> list[Tally]:
        """New tallies, which receipts reach from the moment on at which we ask for the marks."""
        opened = {room_id: Tally({}, 0, 0, taste) for room_id in rooms}
        for room_id, tally in opened.items():
            self._tallies.pop((user_id, room_id), None)  # so that the new one stands last
            self._tallies[user_id, room_id] = tally
        try:
            marks = await self._receipts.marks(user_id, rooms)
            for room_id, tally in opened.items():
                await self._begin(tally, user_id, room_id, marks.get(room_id, {}))
        except BaseException:
            for room_id in rooms:
                self._tallies.pop((user_id, room_id), None)
            raise
        while len(self._tallies) > MOST_TALLIES:
            self._tallies.popitem(last=False)
        return list(opened.values())

    async def _begin(self, tally: Tally, user_id: str, room_id: str, marks: dict[str, int]) -> None:
        for thread, read_to in marks.items():
            tally.marks[thread] = max(tally.marks.get(thread, 0), read_to)
        state = await self._history.states.of(room_id, (user_id,))
        member = state.members.get(user_id)
        tally.since = member.position if member else 0
        tally.until = max(tally.marks.get(WHOLE, 0), tally.since)
        if (main := tally.marks.get(MAIN, 0)) > tally.until:
            # What is read of the main timeline need not be looked at again, only threads.
            in_threads = await self._history.in_threads(room_id, tally.until, main)
            self._count(tally, user_id, state, in_threads)
            tally.until = main

    async def _recount(self, tally: Tally, user_id: str, room_id: str) -> None:
        """Count the threads again whose marks have moved."""
        moved, tally.moved = tally.moved, {}
        whole = WHOLE in moved
        for thread in list(tally.threads) if whole else moved:
            tally.threads.pop(thread, None)
        state = await self._history.states.of(room_id, (user_id,))
        after = min(moved.values())
        while after < tally.until:
            events, more = await self._page(room_id, after, tally.until)
            wanted = [e for e in events if whole or (e.thread or MAIN) in moved]
            self._count(tally, user_id, state, wanted)
            after = events[-1].position if more else tally.until

    async def _carry_on(self, tally: Tally, user_id: str, room_id: str, until: int) -> None:
        while tally.moved:
            await self._recount(tally, user_id, room_id)
        if tally.until >= until:
            return
        state = await self._history.states.of(room_id, (user_id,))
        more = True
        while more:
            events, more = await self._page(room_id, tally.until, until)
            self._count(tally, user_id, state, events)
            tally.until = events[-1].position if more else until

    async def _page(self, room_id: str, after: int, until: int) -> tuple[list[Event], bool]:
        """The next events in (after, until], and whether there may be more."""
        events = self._history.tail.after(room_id, after)
        if events is not None:
            return [event for event in events if event.position <= until], False
        events = await self._history.forth(room_id, after, until, PAGE)
        return events, len(events) == PAGE

    def _count(self, tally: Tally, user_id: str, state: RoomState, events: list[Event]) -> None:
        member = state.members.get(user_id)
        name = member.decoded().get("displayname") if member else None
        for event in events:
            if event.sender == user_id or event.sender in tally.taste.ignored:
                continue
            if event.redacted_by or not tally.is_unread(event):
                continue
            outcome = tally.taste.ruleset.evaluate(
                self._facts_of(event, state), user_id, name if isinstance(name, str) else None
            )
            if outcome.notify:
                counts = tally.threads.setdefault(event.thread or MAIN, Counts())
                counts.notifications += 1
                counts.highlights += outcome.highlight

    def _facts_of(self, event: Event, state: RoomState) -> Facts:
        facts = self._facts.get(event.event_id)
        if facts is None:
            facts = self._facts[event.event_id] = facts_of(event, state)
            if len(self._facts) > MOST_FACTS:
                self._facts.popitem(last=False)
        return facts

    def _read(self, number: int, entry: Entry) -> None:
        receipt: Receipt = entry.news
        tally = self._tallies.get((receipt.user_id, entry.room_id or ""))
        if tally is not None:
            tally.read(receipt.thread, receipt.read_to)

    def _strike(self, number: int, entry: Entry) -> None:
        news: TakenBack = entry.news
        for redaction in news.redactions:
            self._redacted[redaction.target.room_id] = redaction.because.position
            self._facts.pop(redaction.target.event_id, None)

    def _start_afresh(self, number: int) -> None:
        self._tallies.clear()
        self._facts.clear()
        self._redacted.clear()


def facts_of(event: Event, state: RoomState) -> Facts:
    """An event in its room, as push rules ask about it."""
    levels = access.levels(state).get("notifications")
    return Facts(
        type=event.type,
        sender=event.sender,
        room_id=event.room_id,
        content=event.decoded(),
        state_key=event.state_key,
        members=state.joined,
        sender_power=access.power(state, event.sender),
        levels=levels if isinstance(levels, dict) else None,
    )
