"""Spaces: the tree of rooms below a room, as one person may see it, page by page.

spec: client-server-api/#get_matrixclientv1roomsroomidhierarchy
"""

import re
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.errors import Forbidden, InvalidParam, NotFound
from qingxin.log.event import Event
from qingxin.log.state import RoomState
from qingxin.rooms.kinds import SPACE
from qingxin.rooms.summary import Summaries, Summary, summarise

CHILD = "m.space.child"
MOST = 50  # rooms on a page
DEEPEST = 100  # levels below the root
WIDEST = 1000  # children of one space
ORDER = re.compile(r"[\x20-\x7e]{1,50}\Z")  # spec: #ordering-of-children-within-a-space


class Tree(Struct, frozen=True):
    """Which tree: from which room, for whom, how deep, and whether only what is suggested."""

    user_id: str
    root: str
    max_depth: int = DEEPEST
    suggested_only: bool = False


class Leaf(Struct, frozen=True):
    """One room of the tree with the events that name its children, in order."""

    summary: Summary
    children: list[Event]


class Spaces:
    """Walks trees depth first."""

    def __init__(self, summaries: Summaries) -> None:
        self._summaries = summaries

    async def page(
        self, tree: Tree, token: str | None, limit: int
    ) -> tuple[list[Leaf], str | None]:
        """Up to `limit` rooms after `token`, and the token to go on with.

        Raises Forbidden where the root is not to be seen, InvalidParam for a strange token.
        """
        # The walk starts anew for each page, so that no server has to remember it.
        skipped = _skipped(tree, token) if token is not None else 0
        leaves: list[Leaf] = []
        number = 0
        async for state, children in self._walk(tree):
            number += 1
            if number > skipped + limit:
                return leaves, _token(tree, skipped + limit)
            if number > skipped:
                leaves.append(Leaf(summarise(state), children))
        return leaves, None

    async def _walk(self, tree: Tree) -> AsyncIterator[tuple[RoomState, list[Event]]]:
        seen: set[str] = set()
        ahead = [(tree.root, 0)]  # the next room comes last
        while ahead:
            room_id, depth = ahead.pop()
            if room_id in seen:
                continue
            seen.add(room_id)
            if (state := await self._visible(tree, room_id)) is None:
                continue
            children = children_of(state, tree.suggested_only)
            yield state, children
            if depth < tree.max_depth:
                ahead += [(child.state_key or "", depth + 1) for child in reversed(children)]

    async def _visible(self, tree: Tree, room_id: str) -> RoomState | None:
        try:
            return await self._summaries.visible(room_id, tree.user_id)
        except NotFound:
            if room_id == tree.root:
                raise Forbidden("There is no such room, or it is not for you to see.") from None
            return None


def children_of(state: RoomState, suggested_only: bool = False) -> list[Event]:
    """The events that name a space's children, in the order in which they are shown."""
    if state.type != SPACE:
        return []
    children = [
        event
        for (type, _), event in state.events.items()
        if type == CHILD and _is_valid(event, suggested_only)
    ]
    return sorted(children, key=_order)[:WIDEST]


def _is_valid(event: Event, suggested_only: bool) -> bool:
    """Whether a child is named in the right way: else it has been removed (spec: #mspacechild)."""
    content = event.decoded()
    via = content.get("via")
    if not isinstance(via, list) or not via or not all(isinstance(name, str) for name in via):
        return False
    return not suggested_only or content.get("suggested") is True


def _order(event: Event) -> tuple[bool, str, int, str]:
    order = event.decoded().get("order")
    if not isinstance(order, str) or not ORDER.match(order):
        return True, "", event.ts, event.state_key or ""
    return False, order, event.ts, event.state_key or ""


class _Place(Struct, array_like=True, frozen=True):
    number: int
    tree: str


def _token(tree: Tree, number: int) -> str:
    return ids.unpadded(msgspec.json.encode(_Place(number, _name(tree))))


def _skipped(tree: Tree, token: str) -> int:
    try:
        place = msgspec.json.decode(ids.raw(token), type=_Place)
    except ValueError:  # msgspec's own errors are among them
        raise InvalidParam("from is no place in this tree.") from None
    if place.tree != _name(tree):
        raise InvalidParam("from belongs to a request with other parameters.")
    return place.number


def _name(tree: Tree) -> str:
    return ids.digest(tree.user_id, tree.root, str(tree.max_depth), str(tree.suggested_only))
