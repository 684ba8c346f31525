"""The endpoints over HTTP, without a socket: real parts below, a clock that stands still."""
