"""The log as one device sees it, piece by piece."""
