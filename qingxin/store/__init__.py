"""Rows on disk: SQLite beside the process, or PostgreSQL. The only package that knows a dialect."""
