"""Rooms as people use them: making them, coming and going, finding them, what was read."""
