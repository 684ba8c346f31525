"""One room as one device sees it: timeline, state, what is fleeting, counts.

spec: client-server-api/#get_matrixclientv3sync
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from qingxin.attention.unread import Unread
from qingxin.log.bundle import Shows, bundle
from qingxin.log.event import MEMBER, Event, encode, stripped
from qingxin.log.read import History, newest_of_each
from qingxin.log.sight import Sight
from qingxin.log.state import RoomState
from qingxin.rooms.ephemeral import Typing
from qingxin.rooms.receipts import MAIN, Receipts, content_of
from qingxin.sync.filters import RoomEvents, pick
from qingxin.sync.fitting import fitting
from qingxin.sync.ground import Ground
from qingxin.sync.token import Token
from qingxin.sync.view import Timeline, View

HEROES = 5
STRIPPED = (
    "m.room.create", "m.room.join_rules", "m.room.canonical_alias", "m.room.avatar", "m.room.name",
    "m.room.encryption", "m.room.topic",
)  # fmt: skip
PAGES = 10  # of the log, looked through for a filter that takes little


class RoomSync:
    """Puts together what /sync says about one room."""

    def __init__(
        self, history: History, receipts: Receipts, typing: Typing, unread: Unread
    ) -> None:
        self._history = history
        self._states = history.states
        self._ground = Ground(history)
        self._receipts = receipts
        self._typing = typing
        self._unread = unread

    async def joined(
        self, room_id: str, view: View, since: Token | None, account_data: Sequence[bytes] = ()
    ) -> bytes | None:
        """A joined room; None where there is nothing to tell. `since` None: all of it is new."""
        sight = await self._history.sight(room_id, view.reader.user_id)
        state = await self._states.of(room_id, (view.reader.user_id,))
        timeline = await self._timeline(room_id, view, sight, since, view.until)
        changes = await self._ground.under(state, view, timeline, since)
        ephemeral = await self._ephemeral(room_id, view, since)
        if since is not None and not (timeline.events or changes or ephemeral or account_data):
            if not view.full_state:
                return None
        moved = since is None or any(e.type == MEMBER for e in [*timeline.events, *changes])
        summary = await self._summary(state, view.reader.user_id) if moved else {}
        heroes = summary.get("m.heroes", ())
        changes += await self._ground.faces(state, view, timeline, changes, heroes)
        parts = [
            await self._timeline_part(view, timeline, sight),
            await self._state_part(view, changes),
            b'"account_data":{"events":[' + b",".join(account_data) + b"]}",
            b'"ephemeral":{"events":[' + b",".join(ephemeral) + b"]}",
            await self._counts(room_id, view),
            b'"summary":' + msgspec.json.encode(summary),
        ]
        return b"{" + b",".join(parts) + b"}"

    async def left(
        self, room_id: str, view: View, since: Token | None, left_at: int
    ) -> bytes | None:
        """A room that the reader has left, up to there."""
        sight = await self._history.sight(room_id, view.reader.user_id)
        until = min(left_at, view.until)
        state = await self._states.of(room_id, (view.reader.user_id,))
        was_inside = any(value == "join" for _, value in sight.memberships)
        timeline = await self._timeline(room_id, view, sight, since, until)
        if not was_inside:
            timeline.events = [e for e in timeline.events if e.position == until]
        changes = await self._ground.under(state, view, timeline, since) if was_inside else []
        parts = [
            await self._timeline_part(view, timeline, sight),
            await self._state_part(view, changes),
            b'"account_data":{"events":[]}',
        ]
        return b"{" + b",".join(parts) + b"}"

    async def invited(self, room_id: str, user_id: str, key: bytes = b"invite_state") -> bytes:
        """A room that somebody is invited to, or knocks at (`key` b"knock_state")."""
        state = await self._states.of(room_id, (user_id,))
        own = state.get(MEMBER, user_id)
        shown = [event for type in STRIPPED if (event := state.get(type)) is not None]
        if own is not None:
            inviter = (await self._states.of(room_id, (own.sender,))).get(MEMBER, own.sender)
            shown += [event for event in (inviter, own) if event is not None]
        events = {event.event_id: stripped(event) for event in shown}
        return b'{"%s":{"events":[%s]}}' % (key, b",".join(events.values()))

    async def _timeline(
        self, room_id: str, view: View, sight: Sight, since: Token | None, until: int
    ) -> Timeline:
        wanted = view.filter.room.timeline
        after = since.position if since else -1
        if not wanted.takes_room(room_id):
            return Timeline([], False, until, until, partial=True)
        if since is not None:
            events, more = await self._history.after(room_id, after, until, wanted.most)
        else:
            events, more = await self._history.newest(room_id, until, wanted.most)
        if not wanted.takes_everything and (more or len(events) == wanted.most):
            events, more = await self._look_further(room_id, wanted, after, until)
        start = events[0].position - 1 if events and more else max(after, 0)
        if not events:
            start = until
        taken = await fitting(self._history, events, wanted)
        kept = [event for event in taken if self._shown(event, view, sight)]
        partial = not wanted.takes_everything or len(kept) < len(events)
        if cut := _outdated(events, kept):
            kept, start, more = kept[cut:], kept[cut - 1].position, True
        # A device that knew the room before must not append to what it knew (as Synapse does).
        more = more or (since is None and view.since is not None)
        return Timeline(kept, more, start, until, partial)

    async def _look_further(
        self, room_id: str, wanted: RoomEvents, after: int, until: int
    ) -> tuple[list[Event], bool]:
        """As many events as the filter takes, looking back over what it does not take."""
        found: list[Event] = []
        for _ in range(PAGES):
            page = await self._history.back(room_id, after, until, 100)
            for event in await fitting(self._history, page, wanted):
                found.append(event)
                if len(found) > wanted.most:
                    return found[wanted.most - 1 :: -1], True
            if len(page) < 100:
                return found[::-1], False
            until = page[-1].position - 1
        return found[::-1], True

    def _shown(self, event: Event, view: View, sight: Sight) -> bool:
        if event.sender in view.ignored and not event.is_state:
            return False
        return sight.everything or sight.sees(event)

    def _sieve(self, view: View, sight: Sight) -> Shows | None:
        """What lets through whatever the reader may see; None where that is everything."""
        if sight.everything and not view.ignored:
            return None
        return lambda event: self._shown(event, view, sight)

    async def _timeline_part(self, view: View, timeline: Timeline, sight: Sight) -> bytes:
        events = await self._encoded(view, timeline.events, sight)
        return b'"timeline":{"events":[%s],"limited":%s,"prev_batch":"%s"}' % (
            b",".join(events),
            b"true" if timeline.limited else b"false",
            str(Token(timeline.start)).encode(),
        )

    async def _state_part(self, view: View, events: list[Event]) -> bytes:
        key = b"state_after" if view.state_after else b"state"
        encoded = await self._encoded(view, events)
        return b'"%s":{"events":[%s]}' % (key, b",".join(encoded))

    async def _encoded(
        self, view: View, events: list[Event], sight: Sight | None = None
    ) -> list[bytes]:
        """Events as they go out; those of the timeline with what `sight` and others say of them."""
        relations: dict[str, bytes] = {}
        if sight is not None and any(event.related for event in events):
            relations = await bundle(self._history, events, view.reader, self._sieve(view, sight))
        encoded = [
            encode(
                event,
                view.reader,
                room_id=False,
                relations=relations.get(event.event_id, b""),
                membership=sight.membership_at(event.position) if sight else None,
            )
            for event in events
        ]
        if fields := view.filter.event_fields:
            return [msgspec.json.encode(pick(msgspec.json.decode(e), fields)) for e in encoded]
        return encoded

    async def _ephemeral(self, room_id: str, view: View, since: Token | None) -> list[bytes]:
        wanted = view.filter.room.ephemeral
        if not wanted.takes_room(room_id):
            return []
        events = []
        after = since.position if since else -1
        if wanted.takes_type("m.receipt"):
            receipts = await self._receipts.changed(room_id, view.reader.user_id, after, view.until)
            receipts = [r for r in receipts if r.user_id not in view.ignored]
            if receipts:
                events.append(
                    b'{"type":"m.receipt","content":%s}' % msgspec.json.encode(content_of(receipts))
                )
        if wanted.takes_type("m.typing") and self._typing_is_news(room_id, since):
            typists = [u for u in self._typing.typists(room_id) if u not in view.ignored]
            events.append(
                b'{"type":"m.typing","content":{"user_ids":%s}}' % msgspec.json.encode(typists)
            )
        return events

    def _typing_is_news(self, room_id: str, since: Token | None) -> bool:
        if since is None:
            return bool(self._typing.typists(room_id))
        return self._typing.changed(room_id, since.fleeting)

    async def _counts(self, room_id: str, view: View) -> bytes:
        tally = await self._unread.tally(view.reader.user_id, room_id, view.until)
        if not view.filter.room.timeline.unread_thread_notifications:
            total = tally.total
            return _unread(total.notifications, total.highlights)
        main = tally.threads.get(MAIN)
        threads = {
            root: {"notification_count": c.notifications, "highlight_count": c.highlights}
            for root, c in tally.threads.items()
            if root != MAIN
        }
        return (
            _unread(main.notifications if main else 0, main.highlights if main else 0)
            + b',"unread_thread_notifications":'
            + msgspec.json.encode(threads)
        )

    async def _summary(self, state: RoomState, user_id: str) -> dict[str, Any]:
        """How many there are, and who, for rooms without a name (spec: #room-summary)."""
        summary: dict[str, Any] = {
            "m.joined_member_count": state.joined,
            "m.invited_member_count": state.invited,
        }
        if not state.text("m.room.name", "name") and not state.text(
            "m.room.canonical_alias", "alias"
        ):
            summary["m.heroes"] = await self._heroes(state, user_id)
        return summary

    async def _heroes(self, state: RoomState, user_id: str) -> list[str]:
        room_id = state.room_id
        heroes = await self._history.first_members(room_id, ("join", "invite"), HEROES + 1)
        heroes = [other for other in heroes if other != user_id]
        if not heroes:
            gone = await self._history.first_members(room_id, ("leave", "ban"), HEROES + 1)
            heroes = [other for other in gone if other != user_id]
        return heroes[:HEROES]


def _outdated(events: Sequence[Event], shown: Sequence[Event]) -> int:
    """How many of the shown events to leave out, so that none sets state that is over already.

    Of a state event that is hidden, only the state before the timeline can tell.
    """
    if len(shown) == len(events):
        return 0
    visible = {event.event_id for event in shown}
    hidden = newest_of_each(e for e in events if e.is_state and e.event_id not in visible)
    outdated = 0
    for number, event in enumerate(shown, 1):
        later = hidden.get((event.type, event.state_key or "")) if event.is_state else None
        if later is not None and later.position > event.position:
            outdated = number
    return outdated


def _unread(notifications: int, highlights: int) -> bytes:
    return b'"unread_notifications":{"notification_count":%d,"highlight_count":%d}' % (
        notifications,
        highlights,
    )
