"""The addresses of an endpoint: the one of today, and the one that old clients know."""

V3, R0 = "/_matrix/client/v3/", "/_matrix/client/r0/"


def also_r0(path: str) -> tuple[str, str]:
    """A path of today's API, and the same before the version was called v3."""
    assert path.startswith(V3)
    return path, R0 + path.removeprefix(V3)
