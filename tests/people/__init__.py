"""Accounts, sessions, profiles, preferences and presence, over every database."""
