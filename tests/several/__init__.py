"""Several processes over one database, as people notice them, or rather do not."""
