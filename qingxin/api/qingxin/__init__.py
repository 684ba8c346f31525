"""Our own API: what Matrix has no words for."""
