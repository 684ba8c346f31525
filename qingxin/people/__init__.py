"""The people: accounts, devices and their tokens, profiles, preferences, presence."""
