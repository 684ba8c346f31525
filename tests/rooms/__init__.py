"""Rooms as people use them, over HTTP and on every database."""
