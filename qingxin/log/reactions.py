"""Reactions: nobody gives the same sign twice (spec: #avoiding-duplicate-annotations)."""

from qingxin.errors import DuplicateAnnotation
from qingxin.log.event import Event
from qingxin.log.read import History
from qingxin.log.state import Overlay


async def check_new(history: History, reaction: Event, overlay: Overlay) -> None:
    """Note the sign, or raise DuplicateAnnotation where its sender has given it already."""
    sign = _sign(reaction)
    if overlay.has_sign(sign):
        raise DuplicateAnnotation
    parent = reaction.rel_to or ""
    for earlier in await history.reactions_of(reaction.room_id, parent, reaction.sender):
        if _sign(earlier) == sign:
            raise DuplicateAnnotation
    overlay.signs.add(sign)


def _sign(reaction: Event) -> tuple[str, ...]:
    """What a reaction says, about what, by whom."""
    key = reaction.decoded()["m.relates_to"].get("key")
    return reaction.type, reaction.rel_to or "", reaction.sender, repr(key)
