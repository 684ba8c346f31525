"""How much of everything is measured: in full, quickly, and for a peer too slow for the largest."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Sizes:
    """Counts of people, rooms and events; times in seconds."""

    budget: float = 8.0
    warm_up: float = 1.5
    senders: int = 64
    sender_rooms: int = 16
    listeners: int = 50
    speakers: int = 4
    followers: int = 1000
    posts: int = 3
    joiners: int = 1000
    first_sync_rooms: int = 100
    familiars: int = 8
    first_syncs: int = 5
    words_per_room: int = 12
    incremental_syncs: int = 300
    history: int = 10_000
    page: int = 100
    curve_budget: float = 2.0
    curve_syncs: int = 200
    curve_lengths: tuple[int, ...] = (10, 1000, 10_000)
    curve_members: tuple[int, ...] = (10, 100, 1000, 10_000)
    curve_rooms: tuple[int, ...] = (10, 100, 500, 2000)
    idlers: int = 5000
    idlers_per_room: int = 50
    slow_readers: int = 100


FULL = Sizes()
QUICK = Sizes(
    budget=3.0,
    warm_up=0.5,
    followers=200,
    joiners=200,
    first_sync_rooms=20,
    familiars=4,
    first_syncs=4,
    incremental_syncs=100,
    history=1000,
    curve_budget=1.0,
    curve_syncs=50,
    curve_lengths=(10, 1000),
    curve_members=(10, 200),
    curve_rooms=(10, 100),
    idlers=1000,
    slow_readers=20,
)


def for_peer(sizes: Sizes) -> Sizes:
    """The same measurements; curves and crowds stop where the peer would take hours."""
    return replace(
        sizes,
        curve_lengths=(min(sizes.curve_lengths), max(sizes.curve_lengths)),
        curve_members=tuple(n for n in sizes.curve_members if n <= sizes.followers),
        curve_rooms=tuple(n for n in sizes.curve_rooms if n <= sizes.first_sync_rooms),
        joiners=min(sizes.joiners, 400),
        idlers=min(sizes.idlers, sizes.followers // 2),
    )
