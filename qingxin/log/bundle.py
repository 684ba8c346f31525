"""What other events say about these: bundled aggregations of edits, threads and references.

spec: client-server-api/#aggregations-of-child-events
"""

from collections.abc import Sequence

import msgspec

from qingxin.log.event import Event, Reader, encode
from qingxin.log.read import History

EDIT, THREAD, REFERENCE = "m.replace", "m.thread", "m.reference"


async def bundle(
    history: History, events: Sequence[Event], reader: Reader, ignored: frozenset[str] = frozenset()
) -> dict[str, bytes]:
    """For each of these events of one room that others refer to, its encoded `m.relations`."""
    parents = {event.event_id: event for event in events if event.related and not event.redacted_by}
    if not parents:
        return {}
    room_id = events[0].room_id
    children = await history.related(room_id, list(parents))
    members: dict[str, dict[str, bytes]] = {}
    for parent in parents.values():
        own = [c for c in children if c.rel_to == parent.event_id and c.sender not in ignored]
        found = _edit(parent, own, reader) | _references(own)
        if found:
            members[parent.event_id] = found
    for root, thread in (await _threads(history, room_id, parents, children, reader)).items():
        members.setdefault(root, {})[THREAD] = thread
    return {event_id: _object(found) for event_id, found in members.items()}


def _edit(parent: Event, children: list[Event], reader: Reader) -> dict[str, bytes]:
    """The latest edit by the author (spec: #server-side-aggregation-of-mreplace-relationships)."""
    for child in reversed(children):
        if child.rel_type == EDIT and child.sender == parent.sender and child.type == parent.type:
            return {EDIT: encode(child, reader)}
    return {}


def _references(children: list[Event]) -> dict[str, bytes]:
    chunk = [{"event_id": child.event_id} for child in children if child.rel_type == REFERENCE]
    return {REFERENCE: msgspec.json.encode({"chunk": chunk})} if chunk else {}


async def _threads(
    history: History,
    room_id: str,
    parents: dict[str, Event],
    children: list[Event],
    reader: Reader,
) -> dict[str, bytes]:
    """Size and last message of each thread, and whether the reader took part."""
    roots = [
        root for root in parents if any(c.rel_to == root and c.rel_type == THREAD for c in children)
    ]
    if not roots:
        return {}
    counts = await history.thread_counts(room_id, roots)
    took_part = await history.wrote_in(room_id, roots, reader.user_id)
    latest = {e.event_id: e for e in await history.at([last for _, last in counts.values()])}
    nested = await bundle(history, [e for e in latest.values() if e.related], reader)
    threads = {}
    for event in latest.values():
        root = event.thread or ""
        mine = root in took_part or parents[root].sender == reader.user_id
        threads[root] = b"".join(
            (
                b'{"latest_event":',
                encode(event, reader, relations=nested.get(event.event_id, b"")),
                b',"count":%d,"current_user_participated":' % counts[root][0],
                b"true}" if mine else b"false}",
            )
        )
    return threads


def _object(members: dict[str, bytes]) -> bytes:
    return (
        b"{"
        + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in members.items())
        + b"}"
    )
