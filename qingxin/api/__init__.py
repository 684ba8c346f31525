"""The edge: HTTP in, plain calls down, JSON out."""
