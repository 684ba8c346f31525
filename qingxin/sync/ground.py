"""The state that a piece of timeline stands on, as far as a device does not know it.

What a timeline leaves out (a filter, hidden history) cannot tell of new state, so then the
state as of its end is told, but for what the timeline itself shows.
"""

from collections.abc import Sequence

from qingxin.log.event import MEMBER, Event
from qingxin.log.read import History, newest_of_each
from qingxin.log.state import RoomState
from qingxin.sync.token import Token
from qingxin.sync.view import Timeline, View

Keyed = dict[tuple[str, str], Event]


class Ground:
    """Finds state for /sync."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._states = history.states

    async def under(
        self, state: RoomState, view: View, timeline: Timeline, since: Token | None
    ) -> list[Event]:
        """The state to tell before the timeline, or after it where the device wishes so."""
        wanted = view.filter.room.state
        if not wanted.takes_room(state.room_id):
            return []
        if since is None or view.full_state:
            events = await self._whole(state, view, timeline)
        else:
            events = await self._changes(state, view, timeline, since)
        if wanted.lazy_load_members:
            events = await self._lazy(state, view, timeline, events, since is None)
        return wanted.chosen(events)

    async def _whole(self, state: RoomState, view: View, timeline: Timeline) -> list[Event]:
        room_id, end = state.room_id, _end(view, timeline)
        if timeline.until < view.until:  # a room that was left
            now = newest_of_each(await self._history.state_at(room_id, end))
        elif view.filter.room.state.lazy_load_members:
            now = await self._as_of(newest_of_each(state.events.values()), room_id, end)
        else:
            whole = await self._history.state_now(room_id)
            now = await self._as_of(newest_of_each(whole), room_id, end)
        return await self._beneath(now, room_id, view, timeline, -1)

    async def _changes(
        self, state: RoomState, view: View, timeline: Timeline, since: Token
    ) -> list[Event]:
        room_id, end = state.room_id, _end(view, timeline)
        is_told_by_timeline = not (timeline.limited or timeline.partial or view.state_after)
        if is_told_by_timeline or end <= since.position:
            return []
        if not self._may_have_changed(room_id, since.position, end):
            return []
        changed = await self._history.state_changes(room_id, since.position, end)
        return await self._beneath(newest_of_each(changed), room_id, view, timeline, since.position)

    def _may_have_changed(self, room_id: str, after: int, until: int) -> bool:
        """Whether the state of a room may have changed in (after, until]; asks memory only."""
        events = self._history.tail.after(room_id, after)
        return events is None or any(e.is_state and e.position <= until for e in events)

    async def _beneath(
        self, now: Keyed, room_id: str, view: View, timeline: Timeline, after: int
    ) -> list[Event]:
        """Of what a partial timeline shows, the state before it instead."""
        if view.state_after or not timeline.partial:
            return list(now.values())
        shown = list(newest_of_each(e for e in timeline.events if e.is_state))
        for key in shown:
            now.pop(key, None)
        if not shown:
            return list(now.values())
        before = timeline.events[0].position - 1
        earlier = await self._history.last_of_each(room_id, shown, before)
        return [*now.values(), *(event for event in earlier if event.position > after)]

    async def _as_of(self, now: Keyed, room_id: str, end: int) -> Keyed:
        """Today's state with everything after `end` turned back."""
        later = [key for key, event in now.items() if event.position > end]
        if not later:
            return now
        if len(later) > 20:
            before = newest_of_each(await self._history.state_at(room_id, end))
            return {key: before[key] for key in now if key in before}
        for key in later:
            del now[key]
        return now | newest_of_each(await self._history.last_of_each(room_id, later, end))

    async def _lazy(
        self, state: RoomState, view: View, timeline: Timeline, events: list[Event], whole: bool
    ) -> list[Event]:
        """Members only where the timeline shows them (spec: #lazy-loading-room-members)."""
        room_id, me = state.room_id, view.reader.user_id
        met = view.met.setdefault(room_id, {})
        there = {(e.type, e.state_key) for e in events}
        moving = {e.state_key: e.position for e in timeline.events if e.type == MEMBER}
        wanted = {e.sender for e in timeline.events} | ({me} if whole else set())
        if whole:
            events = [e for e in events if e.type != MEMBER or e.state_key in wanted]
        missing = [
            user_id
            for user_id in wanted
            if (MEMBER, user_id) not in there
            and (user_id not in met or view.filter.room.state.include_redundant_members)
        ]
        events = events + await self._members(state, missing, _end(view, timeline))
        for event in events:
            if event.type == MEMBER and event.state_key:
                met[event.state_key] = event.position
        for user_id, position in moving.items():
            met[user_id or ""] = position
        return events

    async def faces(
        self,
        state: RoomState,
        view: View,
        timeline: Timeline,
        told: Sequence[Event],
        heroes: Sequence[str],
    ) -> list[Event]:
        """The heroes whom a device that loads members lazily has not met (spec: m.heroes)."""
        wanted = view.filter.room.state
        if not wanted.lazy_load_members or not heroes:
            return []
        met = view.met.setdefault(state.room_id, {})
        there = {e.state_key for e in [*told, *timeline.events] if e.type == MEMBER}
        missing = [user_id for user_id in heroes if user_id not in there and user_id not in met]
        faces = wanted.chosen(await self._members(state, missing, _end(view, timeline)))
        met |= {event.state_key or "": event.position for event in faces}
        return faces

    async def _members(self, state: RoomState, users: Sequence[str], end: int) -> list[Event]:
        """These users' memberships as of `end`."""
        await self._states.of(state.room_id, users)
        events, moved = [], []
        for user_id in users:
            event = state.members.get(user_id)
            if event is not None and event.position <= end:
                events.append(event)
            elif event is not None:
                moved.append((MEMBER, user_id))
        if not moved:
            return events
        return events + await self._history.last_of_each(state.room_id, moved, end)


def _end(view: View, timeline: Timeline) -> int:
    """The position as of which state is told."""
    return timeline.until if view.state_after else timeline.ground
