"""The same cast as for rooms."""

from tests.rooms.conftest import alice, bob, carol, clock, house

__all__ = ["alice", "bob", "carol", "clock", "house"]
