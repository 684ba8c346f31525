"""The log by itself."""
