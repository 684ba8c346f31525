"""The events that fit a filter which also asks about relations (spec: RoomEventFilter)."""

from collections.abc import Sequence

from qingxin.log.event import Event
from qingxin.log.read import History
from qingxin.sync.filters import RoomEvents


async def fitting(history: History, events: Sequence[Event], wanted: RoomEvents) -> list[Event]:
    """Those of these events of one room that `wanted` takes."""
    taken = wanted.chosen(events)
    if wanted.related_by_rel_types is None and wanted.related_by_senders is None:
        return taken
    parents = [event.event_id for event in taken if event.related]
    children = await history.related(events[0].room_id, parents) if parents else []
    loved = {child.rel_to for child in children if _is_wanted(child, wanted)}
    return [event for event in taken if event.event_id in loved]


def _is_wanted(child: Event, wanted: RoomEvents) -> bool:
    kinds, senders = wanted.related_by_rel_types, wanted.related_by_senders
    return (kinds is None or child.rel_type in kinds) and (
        senders is None or child.sender in senders
    )
