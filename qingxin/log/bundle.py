"""What other events say about these: bundled aggregations of edits, threads and references.

spec: client-server-api/#aggregations-of-child-events
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from qingxin.log.event import Event, Reader, encode
from qingxin.log.read import History

EDIT, THREAD, REFERENCE = "m.replace", "m.thread", "m.reference"
Shows = Callable[[Event], bool]


class Thread(Struct):
    """What is told of a thread beside its root."""

    count: int
    latest: Event
    took_part: bool  # the reader, by a reply


async def bundle(
    history: History, events: Sequence[Event], reader: Reader, shows: Shows | None = None
) -> dict[str, bytes]:
    """For each of these events of one room that others refer to, its encoded `m.relations`.

    `shows` says which of those others the reader may see; None: all of them.
    """
    parents = {event.event_id: event for event in events if event.related and not event.redacted_by}
    if not parents:
        return {}
    room_id = events[0].room_id
    children = await history.related(room_id, list(parents), (EDIT, REFERENCE))
    members: dict[str, dict[str, bytes]] = {}
    for parent in parents.values():
        own = [c for c in children if c.rel_to == parent.event_id and (not shows or shows(c))]
        if found := _edit(parent, own, reader) | _references(own):
            members[parent.event_id] = found
    for root, thread in (await _summaries(history, parents, reader, shows)).items():
        members.setdefault(root, {})[THREAD] = thread
    return {event_id: _object(found) for event_id, found in members.items()}


def _edit(parent: Event, children: list[Event], reader: Reader) -> dict[str, bytes]:
    """The latest edit by the author (spec: #validity-of-replacement-events)."""
    if parent.rel_type == EDIT or parent.is_state:
        return {}
    for child in reversed(children):
        if child.rel_type == EDIT and child.sender == parent.sender and child.type == parent.type:
            return {EDIT: encode(child, reader)}
    return {}


def _references(children: list[Event]) -> dict[str, bytes]:
    chunk = [{"event_id": child.event_id} for child in children if child.rel_type == REFERENCE]
    return {REFERENCE: msgspec.json.encode({"chunk": chunk})} if chunk else {}


async def _summaries(
    history: History, parents: dict[str, Event], reader: Reader, shows: Shows | None
) -> dict[str, bytes]:
    """Size and last message of each thread, and whether the reader took part."""
    roots = [event for event in parents.values() if event.rel_type is None]
    if not roots:
        return {}
    threads = await (
        _seen(history, roots, reader, shows) if shows else _all(history, roots, reader)
    )
    latest = [thread.latest for thread in threads.values() if thread.latest.related]
    nested = await bundle(history, latest, reader, shows)
    encoded = {}
    for root, thread in threads.items():
        relations = nested.get(thread.latest.event_id, b"")
        mine = thread.took_part or parents[root].sender == reader.user_id
        encoded[root] = b'{"latest_event":%s,"count":%d,"current_user_participated":%s}' % (
            encode(thread.latest, reader, relations=relations),
            thread.count,
            b"true" if mine else b"false",
        )
    return encoded


async def _all(history: History, roots: list[Event], reader: Reader) -> dict[str, Thread]:
    """Threads of which nothing is hidden, without reading every reply."""
    room_id, names = roots[0].room_id, [root.event_id for root in roots]
    counts = await history.thread_counts(room_id, names)
    if not counts:
        return {}
    took_part = await history.wrote_in(room_id, list(counts), reader.user_id)
    latest = {e.position: e for e in await history.at([last for _, last in counts.values()])}
    return {
        root: Thread(count, latest[last], root in took_part)
        for root, (count, last) in counts.items()
    }


async def _seen(
    history: History, roots: list[Event], reader: Reader, shows: Shows
) -> dict[str, Thread]:
    """Threads as far as the reader sees them."""
    names = [root.event_id for root in roots]
    threads: dict[str, Thread] = {}
    for reply in filter(shows, await history.related(roots[0].room_id, names, (THREAD,))):
        before = threads.get(reply.rel_to or "")
        took_part = reply.sender == reader.user_id or (before is not None and before.took_part)
        count = before.count + 1 if before else 1
        threads[reply.rel_to or ""] = Thread(count, reply, took_part)
    return threads


def _object(members: dict[str, bytes]) -> bytes:
    return (
        b"{"
        + b",".join(b'"%s":%s' % (key.encode(), value) for key, value in members.items())
        + b"}"
    )
