"""The log as one device sees it."""
