"""The Matrix Client-Server API, one module per chapter of the specification."""
