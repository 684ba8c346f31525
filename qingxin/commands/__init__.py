"""The `qingxin` command: one module for each word that may follow it."""
