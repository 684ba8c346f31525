"""HTTP as the endpoints see it: a call comes in, a reply goes out.

Endpoints are classes whose methods carry `@route`. Bodies are decoded into typed structs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from qingxin import errors

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])

MOST_FIELDS = 100  # parameters in one query
JSON_LIMIT = 4 * 1024 * 1024  # bytes of one JSON body; key uploads are the largest honest ones
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS"),
    (b"access-control-allow-headers", b"X-Requested-With, Content-Type, Authorization, Range"),
    (b"access-control-expose-headers", b"Content-Range, Retry-After"),
]
JSON_HEADERS = [(b"content-type", b"application/json"), *CORS]


class Who(StrEnum):
    """Who may call a route; anything finer is decided where the thing itself is known."""

    ANYONE = "anyone"
    MAYBE = "maybe"  # anyone, but a valid token is recognised
    MEMBER = "member"
    MODERATOR = "moderator"


class Caller(Struct, frozen=True):
    """A signed-in device."""

    user_id: str
    device_id: str
    moderator: bool = False
    token_hash: str = ""


class Reply(Struct):
    """A complete answer. `body` is bytes as they go out."""

    body: bytes = b"{}"
    status: int = 200
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=lambda: JSON_HEADERS)


class Stream(Struct):
    """An answer that is sent in pieces, e.g. a file."""

    chunks: AsyncIterator[bytes]
    status: int
    headers: list[tuple[bytes, bytes]]


Handler = Callable[..., Awaitable[Any]]


class Route(Struct, frozen=True):
    """One endpoint: `path` has segments like `{room_id}`, handed to the handler by that name."""

    method: str
    path: str
    who: Who
    handler: Handler
    limit: str = "read"  # which budget of api/limits.py it draws on


def route(method: str, *paths: str, who: Who = Who.MEMBER, limit: str = "read") -> Callable[[H], H]:
    """Mark a method of an endpoint class as the handler of these paths (the first one leads)."""

    def mark(handler: H) -> H:
        marks: list[tuple[str, str, Who, str]] = getattr(handler, "routes", [])
        handler.routes = [*marks, *((method, path, who, limit) for path in paths)]  # type: ignore[attr-defined]
        return handler

    return mark


def routes_of(endpoints: object) -> list[Route]:
    """The marked methods of one endpoint object."""
    found = []
    for name in dir(type(endpoints)):
        for method, path, who, limit in getattr(getattr(type(endpoints), name), "routes", ()):
            found.append(Route(method, path, who, getattr(endpoints, name), limit))
    return found


class Call:
    """One request."""

    __slots__ = ("_caller", "_query", "_receive", "method", "path", "raw_query", "scope")

    def __init__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]]) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.scope = scope
        self._receive = receive
        self._caller: Caller | None = None
        self._query: dict[str, list[str]] | None = None

    @property
    def caller(self) -> Caller:
        if self._caller is None:
            raise errors.MissingToken
        return self._caller

    @property
    def maybe_caller(self) -> Caller | None:
        return self._caller

    def admit(self, caller: Caller | None) -> None:
        self._caller = caller

    @property
    def address(self) -> str:
        """The peer's address, for limits and the list of sessions."""
        client = self.scope.get("client")
        return client[0] if client else ""

    def header(self, name: bytes) -> str:
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value, "latin-1")
        return ""

    def all_of(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        if self._query is None:
            self._query = {}
            for key, value in _parse_query(self.scope["query_string"]):
                self._query.setdefault(key, []).append(value)
        return self._query.get(name, [])

    def query(self, name: str, default: str | None = None) -> str | None:
        values = self.all_of(name)
        return values[0] if values else default

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**53) -> int:
        """A whole number in the query, held within bounds. Raises InvalidParam."""
        if (text := self.query(name)) is None:
            return default
        try:
            value = int(text) if len(text) <= 20 and text.isascii() else None
        except ValueError:
            value = None
        if value is None or value < least:
            raise errors.InvalidParam(f"{name} must be a whole number of at least {least}.")
        return min(value, most)

    def flag(self, name: str, default: bool = False) -> bool:
        """A true/false in the query. Raises InvalidParam."""
        text = self.query(name)
        if text is None:
            return default
        if text not in ("true", "false"):
            raise errors.InvalidParam(f"{name} must be true or false.")
        return text == "true"

    def choice(self, name: str, choices: Iterable[str], default: str | None = None) -> str | None:
        """A word out of a list in the query. Raises InvalidParam."""
        text = self.query(name, default)
        if text is not None and text not in (allowed := list(choices)):
            raise errors.InvalidParam(f"{name} must be one of {', '.join(allowed)}.")
        return text

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise errors.BadRequest("The connection broke off in the middle of the body.")
            if piece := message.get("body"):
                yield piece
            more = message.get("more_body", False)

    async def body(self, limit: int = JSON_LIMIT) -> bytes:
        """The whole body. Raises TooLarge beyond `limit` bytes."""
        message = await self._receive()
        if not message.get("more_body", False) and message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise errors.TooLarge(f"A body may have at most {limit:,} bytes here.")
            return body
        return await self._long_body(message, limit)

    async def _long_body(self, message: dict[str, Any], limit: int) -> bytes:
        pieces, size = [message.get("body", b"")], len(message.get("body", b""))
        while message.get("more_body", False):
            message = await self._receive()
            size += len(message.get("body", b""))
            if size <= limit:
                pieces.append(message.get("body", b""))
        if message["type"] == "http.disconnect":
            raise errors.BadRequest("The connection broke off in the middle of the body.")
        if size > limit:
            raise errors.TooLarge(f"A body may have at most {limit:,} bytes here.")
        return b"".join(pieces)

    async def json(self, kind: type[T], *, empty: bool = False) -> T:
        """The body as `kind`. Raises NotJson, BadJson. Where `empty`, no body counts as {}."""
        body = await self.body()
        if not body and empty:
            body = b"{}"
        return decode(body, kind)


def decode(body: bytes, kind: type[T]) -> T:
    """JSON as `kind`. Raises NotJson for what is no JSON, BadJson for the wrong shape."""
    try:
        # The decoder does not look into text that it skips, so make sure of the encoding first.
        return msgspec.json.decode(body if body.isascii() else body.decode(), type=kind)
    except msgspec.ValidationError as error:
        raise errors.BadJson(f"{error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise errors.NotJson(f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise errors.BadJson("The JSON is nested too deeply.") from None


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _parse_query(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise errors.InvalidParam("The query part of the address is malformed.") from None
    if any("\0" in value or "\0" in key for key, value in pairs):
        raise errors.InvalidParam("The query may not contain NUL.")
    return pairs
