"""Who sees whose presence: people who share a small room."""

from qingxin.log.feed import Feed, Watcher
from qingxin.log.state import States
from qingxin.people.presence import Presence
from qingxin.sync.filters import Events
from qingxin.sync.token import Token

LARGEST = 100  # members of a room that is still small


class Circles:
    """The small rooms of those who are online."""

    def __init__(self, states: States, feed: Feed, presence: Presence) -> None:
        self._states = states
        self._feed = feed
        self._presence = presence

    def presences(self, watcher: Watcher, wanted: Events, since: Token | None) -> list[bytes]:
        """The m.presence events that are new to somebody, encoded."""
        if not wanted.takes_type("m.presence"):
            return []
        changed = {s.user_id: s for s in self._presence.changed(since.fleeting if since else 0)}
        close = [
            status
            for user_id, status in changed.items()
            if user_id == watcher.user_id or self._are_close(watcher, user_id)
        ]
        if since is not None:
            met = self._newly_met(watcher, since.position)
            close += [self._presence.of(user_id) for user_id in met if user_id not in changed]
        return [self._presence.event(each) for each in close if wanted.takes_sender(each.user_id)]

    def stir(self, user_id: str) -> None:
        """Let those who are close to somebody know that they came or went."""
        for room_id in self._feed.rooms_of(user_id):
            if self._is_small(room_id):
                self._feed.stir(room_id)

    def _newly_met(self, watcher: Watcher, after: int) -> list[str]:
        """Who is online in the small rooms that this user has entered since."""
        met: dict[str, None] = {}
        for room_id in watcher.entered_after(after):
            if self._is_small(room_id):
                met |= dict.fromkeys(self._feed.online(room_id))
        return list(met)

    def _are_close(self, watcher: Watcher, user_id: str) -> bool:
        other = self._feed.rooms_of(user_id)
        return any(self._is_small(room_id) for room_id in watcher.rooms & other)

    def _is_small(self, room_id: str) -> bool:
        state = self._states.loaded(room_id)
        return state is not None and state.joined <= LARGEST
