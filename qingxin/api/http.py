"""HTTP as the endpoints see it: a call comes in, a reply goes out, errors are Matrix errors.

Endpoints are classes whose methods carry `@route`; `Router` finds them in a trie of path
segments and is the ASGI application. Bodies are decoded into typed structs.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

import msgspec
from msgspec import Struct

from qingxin import errors
from qingxin.errors import MatrixError

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
logger = logging.getLogger("qingxin.http")

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


def route(
    method: str, *paths: str, who: Who = Who.MEMBER, limit: str = "read"
) -> Callable[[H], H]:
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

    __slots__ = ("method", "path", "raw_query", "scope", "_receive", "_caller", "_query")

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
        return msgspec.json.decode(body, type=kind)
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
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise errors.InvalidParam("The query part of the address is malformed.") from None
    if any("\0" in value or "\0" in key for key, value in pairs):
        raise errors.InvalidParam("The query may not contain NUL.")
    return pairs


class _Node:
    """One segment of the trie."""

    __slots__ = ("children", "parameter", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


Admit = Callable[[Call, Route], Awaitable[None]]


class Router:
    """The ASGI application: finds the route, lets `admit` authenticate and limit, replies."""

    def __init__(self, routes: Iterable[Route], admit: Admit) -> None:
        self.routes = list(routes)
        self._root = _Node()
        self._admit = admit
        for each in self.routes:
            self._add(each)

    def _add(self, each: Route) -> None:
        node, names = self._root, []
        for segment in each.path.strip("/").split("/") if each.path != "/" else []:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment, _Node())
        if each.path.endswith("/") and each.path != "/":
            node = node.children.setdefault("", _Node())
        if each.method in node.routes:
            raise ValueError(f"Two handlers for {each.method} {each.path}.")
        node.routes[each.method] = (each, tuple(names))

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The route for a still percent-encoded path. Raises Unrecognized, MethodNotAllowed."""
        segments = raw_path[1:].split("/") if raw_path != "/" else []
        found = self._walk(self._root, segments, 0, [])
        if found is None:
            raise errors.Unrecognized
        node, values = found
        if method not in node.routes:
            raise errors.MethodNotAllowed
        each, names = node.routes[method]
        return each, dict(zip(names, values, strict=True))

    def _walk(
        self, node: _Node, segments: list[str], depth: int, values: list[str]
    ) -> tuple[_Node, list[str]] | None:
        if depth == len(segments):
            return (node, values) if node.routes else None
        segment = segments[depth]
        if (child := node.children.get(segment)) is not None:
            if found := self._walk(child, segments, depth + 1, values):
                return found
        if node.parameter is not None:
            return self._walk(node.parameter, segments, depth + 1, [*values, segment])
        return None

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except MatrixError as error:
            reply = refusal(error)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            reply = Reply(encode({"errcode": "M_UNKNOWN", "error": "Something went wrong here."}), 500)
        await _send(reply, send)

    async def _answer(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]]) -> Reply | Stream:
        if scope["method"] == "OPTIONS":
            return Reply()
        each, raw = self.find(scope["method"], scope["raw_path"].decode("latin-1"))
        call = Call(scope, receive)
        await self._admit(call, each)
        answer = await each.handler(call, **{k: _segment(v) for k, v in raw.items()})
        if isinstance(answer, Reply | Stream):
            return answer
        if isinstance(answer, bytes):
            return Reply(answer)
        return Reply(encode({} if answer is None else answer))


def _segment(raw: str) -> str:
    if "%" not in raw and raw.isascii():
        return raw
    try:
        text = unquote(raw.encode("latin-1"), errors="strict")
    except UnicodeDecodeError:
        raise errors.InvalidParam("The address contains a part that is no UTF-8.") from None
    if "\0" in text:
        raise errors.InvalidParam("The address may not contain NUL.")
    return text


def refusal(error: MatrixError) -> Reply:
    """A Matrix error as it goes out, with Retry-After where it has one (RFC 9110 10.2.3)."""
    headers = JSON_HEADERS
    if (wait := error.fields.get("retry_after_ms")) is not None:
        headers = [*headers, (b"retry-after", str(-(-int(wait) // 1000)).encode())]
    return Reply(encode(error.body()), error.status, headers)


async def _send(reply: Reply | Stream, send: Callable[[Any], Awaitable[None]]) -> None:
    if isinstance(reply, Reply):
        headers = [*reply.headers, (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    async for chunk in reply.chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})




