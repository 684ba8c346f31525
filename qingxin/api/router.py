"""The ASGI application: finds the endpoint of a call in a trie, and turns errors into replies."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import unquote

from qingxin import errors
from qingxin.api.http import JSON_HEADERS, Call, Reply, Route, Stream, encode
from qingxin.errors import MatrixError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

logger = logging.getLogger("qingxin.http")


class Broken(MatrixError):
    """Something went wrong here. It has been noted in the server's log."""

    status = 500


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            reply = await self._answer(scope, receive)
        except MatrixError as error:
            reply = refusal(error)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            reply = refusal(Broken())
        await _send(reply, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | Stream:
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


async def _send(reply: Reply | Stream, send: Send) -> None:
    if isinstance(reply, Reply):
        headers = [*reply.headers, (b"content-length", str(len(reply.body)).encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    async for chunk in reply.chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
