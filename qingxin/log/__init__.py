"""The centre: every event of every room, in one order, on one line."""
