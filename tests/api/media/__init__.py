"""Files over HTTP, from a real server with real sockets."""
