"""The feed: after a commit, who has something new, and their bells.

A watcher stands for one user who is online. It keeps, in order, the rooms with news, so that
asking what is new costs as much as there is news and no more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from qingxin.log.event import MEMBER, Event
from qingxin.store.line import Entry

SLICE = 200  # bells rung before others get a turn
ECHO = 0.005  # seconds after which senders hear themselves: apps expect their answer first
IDLE = 300.0  # seconds after which a user without a bell is no longer watched

JoinedRooms = Callable[[str], Awaitable[Iterable[str]]]


class Bell:
    """Rings when there may be something new for its user."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung: asyncio.Future[None] = loop.create_future()

    def strike(self) -> None:
        if not self._rung.done():
            self._rung.set_result(None)

    def dismiss(self) -> None:
        """End the waiting without news."""
        self._rung.cancel()

    async def ring(self, timeout: float) -> bool:
        """Wait for news for at most `timeout` seconds; whether there is any."""
        alarm = self._loop.call_later(timeout, self._rung.cancel) if timeout > 0 else None
        if timeout <= 0 and not self._rung.done():
            return False
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        try:
            await self._rung
            return True
        except asyncio.CancelledError:
            if task and task.cancelling() > cancelled_before:
                raise
            return False
        finally:
            if alarm:
                alarm.cancel()
            self._rung = self._loop.create_future()


class Watcher:
    """One online user: complete for every position after `since`."""

    __slots__ = ("bells", "idle_from", "memberships", "own", "rooms", "since", "touched", "user_id")

    def __init__(self, user_id: str, since: int) -> None:
        self.user_id = user_id
        self.since = since
        self.rooms: set[str] = set()
        self.touched: dict[str, int] = {}  # room → position of its latest news, latest last
        self.own = since  # position of the latest news that is in no room
        self.memberships: dict[str, int] = {}  # room → position of this user's latest membership
        self.bells: list[Bell] = []
        self.idle_from = 0.0

    def touch(self, room_id: str, position: int) -> None:
        self.touched.pop(room_id, None)
        self.touched[room_id] = position

    def entered_after(self, position: int) -> list[str]:
        """The rooms that this user is in since `position`, latest first."""
        rooms = []
        for room_id in reversed(self.memberships):
            if self.memberships[room_id] <= position:
                break
            if room_id in self.rooms:
                rooms.append(room_id)
        return rooms

    def news_after(self, position: int) -> list[str]:
        """The rooms with news after `position`, latest first."""
        rooms = []
        for room_id in reversed(self.touched):
            if self.touched[room_id] <= position:
                break
            rooms.append(room_id)
        return rooms


class Feed:
    """Tells watchers what concerns them, then rings."""

    def __init__(self, joined_rooms: JoinedRooms) -> None:
        self._joined_rooms = joined_rooms
        self._watchers: dict[str, Watcher] = {}
        self._opening: dict[str, asyncio.Future[Watcher]] = {}
        self._elsewhere: dict[str, Watcher] = {}  # users whom other processes watch
        self._rooms: dict[str, set[Watcher]] = {}
        self._followers: list[Bell] = []
        self._welcome: Callable[[str], None] = lambda user_id: None
        self._closed = False
        self.number = 0  # the newest position told

    async def watch(self, user_id: str) -> Watcher:
        """The watcher of a user, made now if there is none."""
        if user_id not in self._opening:
            if (watcher := self._watchers.get(user_id)) is not None:
                return watcher
            opening = asyncio.ensure_future(self._open(user_id))
            opening.add_done_callback(lambda _: self._opening.pop(user_id, None))
            self._opening[user_id] = opening
        return await asyncio.shield(self._opening[user_id])

    async def _open(self, user_id: str) -> Watcher:
        """Watch from the moment on at which the rooms are known."""
        watcher = None
        while watcher is None or self._watchers.get(user_id) is not watcher:  # all was forgotten
            watcher = self._watchers[user_id] = Watcher(user_id, self.number)
            try:
                rooms = await self._joined_rooms(user_id)
            except BaseException:
                self._dismiss(watcher)
                raise
        watcher.since = watcher.own = self.number
        watcher.idle_from = asyncio.get_running_loop().time()
        # A membership that came in meanwhile is newer than what was just read.
        for room_id in rooms:
            if room_id not in watcher.memberships:
                self._enter(watcher, room_id)
        return watcher

    async def acquaint(self, user_id: str) -> None:
        """Know for a while the rooms of somebody whom another process watches."""
        if (known := self._elsewhere.get(user_id)) is None and user_id not in self._watchers:
            known = self._elsewhere[user_id] = Watcher(user_id, self.number)
            rooms = await self._joined_rooms(user_id)
            known.rooms |= {room_id for room_id in rooms if room_id not in known.memberships}
        if known is not None:
            known.idle_from = asyncio.get_running_loop().time()

    @contextmanager
    def listen(self, watcher: Watcher) -> Iterator[Bell]:
        """A bell that does not miss anything from now on."""
        loop = asyncio.get_running_loop()
        bell = Bell(loop)
        if self._closed:
            bell.dismiss()
        watcher.bells.append(bell)
        try:
            yield bell
        finally:
            watcher.bells.remove(bell)
            watcher.idle_from = loop.time()

    @contextmanager
    def follow(self) -> Iterator[Bell]:
        """A bell that rings whenever events were committed."""
        bell = Bell(asyncio.get_running_loop())
        self._followers.append(bell)
        try:
            yield bell
        finally:
            self._followers.remove(bell)

    def welcome(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with every watched user who enters a room."""
        self._welcome = listener

    def online(self, room_id: str) -> list[str]:
        """The members of a room who are watched, here or elsewhere."""
        here = [watcher.user_id for watcher in self._rooms.get(room_id, ())]
        guests = [guest.user_id for guest in self._elsewhere.values() if room_id in guest.rooms]
        return [*here, *(user_id for user_id in guests if user_id not in self._watchers)]

    def rooms_of(self, user_id: str) -> set[str]:
        """The rooms of a user who is watched, here or elsewhere."""
        watcher = self._watchers.get(user_id) or self._elsewhere.get(user_id)
        return watcher.rooms if watcher else set()

    def events(self, events: Sequence[Event]) -> None:
        """Events were committed."""
        ringing: dict[Watcher, None] = {}
        for event in events:
            self.number = max(self.number, event.position)
            if event.type == MEMBER and event.state_key is not None:
                self._move(event, ringing)
            for watcher in self._rooms.get(event.room_id, ()):
                watcher.touch(event.room_id, event.position)
                ringing[watcher] = None
        senders = {event.sender for event in events if event.txn_id is not None}
        echoes = [watcher for watcher in ringing if watcher.user_id in senders]
        if echoes:
            asyncio.get_running_loop().call_later(ECHO, self._ring, echoes)
        self._ring([watcher for watcher in ringing if watcher.user_id not in senders])
        self._wake_followers()

    def entry(self, position: int, entry: Entry) -> None:
        """Something else was committed: for one user, or for all who are in a room."""
        self.number = max(self.number, position)
        if entry.user_id is not None:
            self.personal(entry.user_id, entry.room_id, position)
        elif entry.room_id is not None:
            self.stir(entry.room_id, position)

    def personal(self, user_id: str, room_id: str | None, position: int) -> None:
        if (watcher := self._watchers.get(user_id)) is None:
            return
        watcher.own = position
        if room_id is not None:
            watcher.touch(room_id, position)
        self._ring([watcher])

    def stir(self, room_id: str, position: int = 0) -> None:
        """News for everybody in a room; without a position it is fleeting, like typing."""
        watchers = list(self._rooms.get(room_id, ()))
        if position:
            for watcher in watchers:
                watcher.touch(room_id, position)
        self._ring(watchers)

    def stir_user(self, user_id: str) -> None:
        """Fleeting news for one user."""
        if (watcher := self._watchers.get(user_id)) is not None:
            self._ring([watcher])

    def sweep(self, now: float) -> None:
        """Stop watching users who have been away for long."""
        for guest in list(self._elsewhere.values()):
            if 0 < guest.idle_from < now - IDLE:
                del self._elsewhere[guest.user_id]
        for watcher in list(self._watchers.values()):
            if not watcher.bells and 0 < watcher.idle_from < now - IDLE:
                self._dismiss(watcher)

    def close(self) -> None:
        """Let everybody who waits, now or later, go without news: the server stops."""
        self._closed = True
        for watcher in self._watchers.values():
            for bell in watcher.bells:
                bell.dismiss()

    def reset(self, number: int) -> None:
        """Forget who is watched: what happened up to `number` is not known one by one."""
        self.number = number
        ringing = list(self._watchers.values())
        self._watchers.clear()
        self._elsewhere.clear()
        self._rooms.clear()
        self._ring(ringing)
        self._wake_followers()

    def _move(self, event: Event, ringing: dict[Watcher, None]) -> None:
        if (guest := self._elsewhere.get(event.state_key or "")) is not None:
            guest.memberships[event.room_id] = event.position
            guest.rooms.discard(event.room_id)
            if event.membership == "join":
                guest.rooms.add(event.room_id)
        watcher = self._watchers.get(event.state_key or "")
        if watcher is None:
            return
        watcher.memberships.pop(event.room_id, None)
        watcher.memberships[event.room_id] = event.position
        watcher.touch(event.room_id, event.position)
        ringing[watcher] = None
        if event.membership == "join":
            is_newcomer = event.room_id not in watcher.rooms
            self._enter(watcher, event.room_id)
            if is_newcomer:
                self._welcome(watcher.user_id)
        else:
            self._exit(watcher, event.room_id)

    def _dismiss(self, watcher: Watcher) -> None:
        if self._watchers.get(watcher.user_id) is watcher:
            del self._watchers[watcher.user_id]
        for room_id in list(watcher.rooms):
            self._exit(watcher, room_id)

    def _enter(self, watcher: Watcher, room_id: str) -> None:
        watcher.rooms.add(room_id)
        self._rooms.setdefault(room_id, set()).add(watcher)

    def _exit(self, watcher: Watcher, room_id: str) -> None:
        watcher.rooms.discard(room_id)
        watchers = self._rooms.get(room_id)
        if watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del self._rooms[room_id]

    def _wake_followers(self) -> None:
        for bell in self._followers:
            bell.strike()

    def _ring(self, watchers: list[Watcher]) -> None:
        for watcher in watchers[:SLICE]:
            for bell in watcher.bells:
                bell.strike()
        if len(watchers) > SLICE:
            asyncio.get_running_loop().call_soon(self._ring, watchers[SLICE:])
