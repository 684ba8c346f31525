"""/sync: everything that is new for one device, or wait until there is something.

The cost goes with what is new, not with how many rooms somebody is in: a watcher has the
rooms with news in order. Only a device that comes back after a restart is looked up afresh.
spec: client-server-api/#syncing
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from qingxin.attention.pushrules import PushRules
from qingxin.attention.unread import Unread
from qingxin.clock import Clock
from qingxin.errors import UnknownToken
from qingxin.log.event import Reader
from qingxin.log.feed import Feed, Watcher
from qingxin.log.read import History
from qingxin.people.preferences import AccountData, Preferences
from qingxin.people.presence import Presence
from qingxin.rooms.ephemeral import Typing
from qingxin.rooms.membership import Membership
from qingxin.rooms.receipts import Receipts
from qingxin.store.line import Entry
from qingxin.sync.circles import Circles
from qingxin.sync.device import Acquaintances
from qingxin.sync.filters import EVERYTHING, Filter
from qingxin.sync.room import RoomSync
from qingxin.sync.token import Token
from qingxin.sync.view import View

MOST_GONE = 10_000  # devices signed out lately
PUSH_RULES = "m.push_rules"


class Request(Struct, frozen=True, kw_only=True):
    """What a device asks of /sync. `timeout` in seconds."""

    user_id: str
    device_id: str
    since: Token | None = None
    filter: Filter = EVERYTHING
    full_state: bool = False
    timeout: float = 0.0
    state_after: bool = False


class Answer(Struct):
    """What a device is told, up to `position`; `met` are the members it knows then."""

    body: bytes
    position: int
    is_news: bool
    met: dict[str, dict[str, int]]


class Sections(Struct):
    """The rooms of one answer, by what the reader is in them."""

    join: list[bytes] = []
    invite: list[bytes] = []
    knock: list[bytes] = []
    leave: list[bytes] = []


class Extension(Protocol):
    """Further members of an answer, e.g. to-device messages, from those who own them."""

    async def news(self, request: Request, until: int) -> bytes:
        """Comma-led encoded members, or nothing."""
        ...


class Stream:
    """Answers /sync."""

    def __init__(
        self,
        *,
        history: History,
        feed: Feed,
        reach: Callable[[int], Awaitable[None]],
        clock: Clock,
        membership: Membership,
        receipts: Receipts,
        typing: Typing,
        presence: Presence,
        preferences: Preferences,
        rules: PushRules,
        unread: Unread,
        extensions: Sequence[Extension] = (),
    ) -> None:
        self._history = history
        self._feed = feed
        self._reach = reach  # learns of a position that another process has committed
        self._clock = clock
        self._membership = membership
        self._receipts = receipts
        self._typing = typing
        self._presence = presence
        self._preferences = preferences
        self._rules = rules
        self._unread = unread
        self._extensions = extensions
        self._rooms = RoomSync(history, receipts, typing, unread)
        self._circles = Circles(history.states, feed, presence)
        self._met = Acquaintances()
        self._gone: OrderedDict[tuple[str, str], int] = OrderedDict()  # device → signed out at

    async def changes(self, request: Request) -> bytes:
        """The answer as JSON bytes, as soon as there is news or the time is up.

        Raises UnknownToken where the device was signed out meanwhile.
        """
        deadline = self._clock.now() + request.timeout * 1000
        began = self._feed.number
        if request.since is not None:
            request = replace(request, since=await self._place(request.since))
        answer = None
        while answer is None:
            answer = await self._watch(request, deadline)
        if self._gone.get((request.user_id, request.device_id), 0) > began:
            raise UnknownToken
        self._met.keep(request.user_id, request.device_id, answer.position, answer.met)
        return answer.body

    def presence_changed(self, user_id: str) -> None:
        """Wake those who are close to somebody who came or went."""
        self._circles.stir(user_id)

    def devices_changed(self, number: int, entry: Entry) -> None:
        """Whoever waits for news on a device that is signed out gets none any more."""
        change = entry.news
        for device_id in change.device_ids if change.gone else ():
            self._gone[change.user_id, device_id] = number
            self._gone.move_to_end((change.user_id, device_id))
        while len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)

    async def _place(self, since: Token) -> Token:
        """Where the device is, as seen from here: it may come from another process."""
        if since.position > self._feed.number:
            await self._reach(since.position)
        return Token(since.position, min(since.fleeting, self._fleeting))

    @property
    def _fleeting(self) -> int:
        return max(self._typing.number, self._presence.number)

    async def _watch(self, request: Request, deadline: float) -> Answer | None:
        """An answer, or None where the watcher was given up while we waited for its bell."""
        watcher = await self._feed.watch(request.user_id)
        # Listen first: what is committed while we read must still wake us.
        with self._feed.listen(watcher) as bell:
            while True:
                answer = await self._since(request, watcher)
                left = deadline - self._clock.now()
                if answer.is_news or left <= 0 or not await bell.ring(left / 1000):
                    return answer
                if await self._feed.watch(request.user_id) is not watcher:
                    return None

    async def _since(self, request: Request, watcher: Watcher) -> Answer:
        now = Token(self._feed.number, self._fleeting)
        view = await self._view(request, now)
        if request.since is None:
            sections = await self._everything(view)
        else:
            sections = await self._news(view, request, watcher, request.since)
        account_data = await self._account_data(request, watcher, now.position)
        presence = self._circles.presences(watcher, request.filter.presence, request.since)
        further = [await each.news(request, now.position) for each in self._extensions]
        parts = [b'{"next_batch":"%s"' % str(now).encode(), *further]
        if rooms := _rooms(sections):
            parts.append(b',"rooms":{%s}' % rooms)
        if account_data:
            parts.append(b',"account_data":{"events":[%s]}' % b",".join(account_data))
        if presence:
            parts.append(b',"presence":{"events":[%s]}' % b",".join(presence))
        parts.append(b"}")
        is_news = len(parts) > 2 + len(further) or any(further)
        first_or_full = request.since is None or request.full_state
        return Answer(b"".join(parts), now.position, is_news or first_or_full, view.met)

    async def _view(self, request: Request, now: Token) -> View:
        since = request.since
        return View(
            reader=Reader(request.user_id, request.device_id, self._clock.now()),
            filter=request.filter,
            since=since,
            until=now.position,
            ignored=await self._preferences.ignored(request.user_id),
            state_after=request.state_after,
            full_state=request.full_state,
            met=self._met.known(request.user_id, request.device_id, since.position if since else 0),
        )

    async def _everything(self, view: View) -> Sections:
        """A first sync: every room, with its account data."""
        user_id = view.reader.user_id
        wanted = ["join", "invite", "knock"]
        if view.filter.room.include_leave:
            wanted += ["leave", "ban"]
        rooms = [
            m
            for m in await self._history.rooms_of(user_id, wanted)
            if view.filter.room.takes(m.room_id)
        ]
        data = _by_room(await self._preferences.all(user_id), view.filter)
        joined = [moved.room_id for moved in rooms if moved.membership == "join"]
        await self._history.states.prime([moved.room_id for moved in rooms], user_id)
        await self._unread.prime(user_id, joined)
        forgotten = (
            await self._membership.forgotten(user_id) if view.filter.room.include_leave else {}
        )
        sections = Sections()
        for moved in rooms:
            if moved.position > view.until or forgotten.get(moved.room_id, -1) >= moved.position:
                continue
            await self._add(
                sections, moved.room_id, moved.membership, moved.position, view, None, data
            )
        return sections

    async def _news(self, view: View, request: Request, watcher: Watcher, since: Token) -> Sections:
        """What has changed since."""
        data = _by_room(await self._personal(request, watcher, since, view.until), view.filter)
        moves, touched = await self._touched(watcher, since, view.until, data)
        if view.full_state:
            touched = list(watcher.rooms | set(touched))
        sections = Sections()
        for room_id in touched:
            if not view.filter.room.takes(room_id):
                continue
            if (moved_at := moves.get(room_id)) is not None:
                await self._add_moved(sections, room_id, moved_at, view, since, data)
            elif room_id in watcher.rooms:
                await self._add(sections, room_id, "join", 0, view, since, data)
        return sections

    async def _touched(
        self, watcher: Watcher, since: Token, until: int, data: dict[str, list[bytes]]
    ) -> tuple[dict[str, int], list[str]]:
        """Rooms where this user's membership changed, and all rooms with any news."""
        typing = [r for r in self._typing.changed_rooms(since.fleeting) if r in watcher.rooms]
        if since.position >= watcher.since:
            moves = {r: at for r, at in watcher.memberships.items() if since.position < at <= until}
            news = watcher.news_after(since.position)
        else:
            moves = await self._history.moves(watcher.user_id, since.position, until)
            rooms = list(watcher.rooms)
            newest = await self._history.newest_in(rooms)
            read = await self._receipts.newest_in(rooms)
            news = [r for r in rooms if max(newest.get(r, 0), read.get(r, 0)) > since.position]
        return moves, list(dict.fromkeys([*moves, *news, *typing, *data]))

    async def _add_moved(
        self,
        sections: Sections,
        room_id: str,
        moved_at: int,
        view: View,
        since: Token,
        data: dict[str, list[bytes]],
    ) -> None:
        """A room that the reader has entered, left, or been invited to since."""
        user_id = view.reader.user_id
        spans = await self._history.memberships(room_id, user_id, view.until)
        if not spans:
            return
        at, membership = spans[-1]
        before = [value for position, value in spans if position <= since.position]
        was_inside = bool(before) and before[-1] == "join"
        if membership in ("leave", "ban"):
            was_concerned = bool(before) and before[-1] in ("join", "invite", "knock")
            if not was_concerned and len(spans) == len(before):
                return
        start = since if was_inside else None
        if was_inside and any(
            value != "join" for position, value in spans if position > since.position
        ):
            start = since if membership != "join" else None
        await self._add(sections, room_id, membership, at, view, start, data)

    async def _add(
        self,
        sections: Sections,
        room_id: str,
        membership: str,
        moved_at: int,
        view: View,
        since: Token | None,
        data: dict[str, list[bytes]],
    ) -> None:
        key = msgspec.json.encode(room_id)
        user_id = view.reader.user_id
        if membership == "join":
            room = await self._rooms.joined(room_id, view, since, data.get(room_id, ()))
            if room is not None:
                sections.join.append(key + b":" + room)
        elif membership == "invite":
            inviter = (await self._history.states.of(room_id, (user_id,))).get(
                "m.room.member", user_id
            )
            if inviter is None or inviter.sender not in view.ignored:
                sections.invite.append(key + b":" + await self._rooms.invited(room_id, user_id))
        elif membership == "knock":
            knock = await self._rooms.invited(room_id, user_id, b"knock_state")
            sections.knock.append(key + b":" + knock)
        else:
            room = await self._rooms.left(room_id, view, since, moved_at)
            if room is not None:
                sections.leave.append(key + b":" + room)

    async def _personal(
        self, request: Request, watcher: Watcher, since: Token, until: int
    ) -> list[AccountData]:
        """Account data changed since; asked of the database only if there is any."""
        if watcher.own <= since.position and since.position >= watcher.since:
            return []
        return await self._preferences.changed(request.user_id, since.position, until)

    async def _account_data(self, request: Request, watcher: Watcher, until: int) -> list[bytes]:
        """What concerns no single room; push rules are put together from what is kept."""
        if request.since is None:
            data = await self._preferences.all(request.user_id)
        else:
            data = await self._personal(request, watcher, request.since, until)
        wanted = request.filter.account_data
        encoded = [
            _encoded(item)
            for item in data
            if item.room_id is None and item.type != PUSH_RULES and wanted.takes_type(item.type)
        ]
        changed = any(item.type == PUSH_RULES and item.room_id is None for item in data)
        if (changed or request.since is None) and wanted.takes_type(PUSH_RULES):
            rules = await self._rules.as_json(request.user_id)
            encoded.append(b'{"type":"m.push_rules","content":%s}' % rules)
        return encoded


def _encoded(item: AccountData) -> bytes:
    return b'{"type":%s,"content":%s}' % (msgspec.json.encode(item.type), item.content)


def _by_room(data: Sequence[AccountData], filter: Filter) -> dict[str, list[bytes]]:
    rooms: dict[str, list[bytes]] = {}
    wanted = filter.room.account_data
    for item in data:
        if (
            item.room_id is not None
            and wanted.takes_type(item.type)
            and wanted.takes_room(item.room_id)
        ):
            rooms.setdefault(item.room_id, []).append(_encoded(item))
    return rooms


def _rooms(sections: Sections) -> bytes:
    parts = []
    for name in ("join", "invite", "knock", "leave"):
        if rooms := getattr(sections, name):
            parts.append(b'"%s":{%s}' % (name.encode(), b",".join(rooms)))
    return b",".join(parts)
