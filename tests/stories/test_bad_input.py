"""Whatever is sent to whichever route, the answer is a Matrix error of the right code, the
connection stays, and the server goes on answering.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from tests.authorisation.people import Owner
from tests.authorisation.table import TABLE, Row
from tests.stories.server import Server
from tests.stories.wire import Response, Wire

V3 = "/_matrix/client/v3"
SIGN_OUT = ("/logout", "/logout/all")
# These look at no body, or refuse before they would.
UNREAD = re.compile(r"/account/3pid|/requestToken$|/logout|/forget$|/openid/|/media/v1/create$")
# The same under an older address, or without the body.
TWICE = re.compile(r"HEAD|/unstable/|/media/v1/(config|upload|download|thumbnail)")
ROWS = [row for row in TABLE if not TWICE.search(row.name)]
READS = [row for row in ROWS if row.method == "GET"]
JSON = [
    row
    for row in ROWS
    if row.method in ("PUT", "POST") and "/upload" not in row.path and not UNREAD.search(row.path)
]
FIELDS = [row for row in JSON if row.body != "{}"]
MIB = 1024 * 1024


class Pest:
    """Asks for the owner's things in bad ways, and notes what is answered badly."""

    def __init__(self, owner: Owner, wire: Wire) -> None:
        self.owner = owner
        self.wire = wire
        self.wrong: list[str] = []

    async def ask(
        self, row: Row, body: bytes | None = None, path: str = "", *headers: str
    ) -> Response:
        """The row's request with another body or path."""
        if body is None:
            body = self.owner.body(row)
        if row.path.endswith(SIGN_OUT):
            self.wire.token = (await self.owner.person.on_another_device()).token
        response = await self.wire.ask(row.method, path or self.owner.path(row), body, *headers)
        if row.path.endswith("/logout/all"):
            self.owner.person.session = (await self.owner.person.on_another_device()).session
        self.wire.token = self.owner.person.token
        if response.status >= 500:
            self.note(row, response, path or body)
        return response

    async def expect(self, row: Row, status: int, code: str, body: bytes) -> None:
        response = await self.ask(row, body)
        if (response.status, response.code) != (status, code):
            self.note(row, response, body)

    def note(self, row: Row, response: Response, sent: object) -> None:
        self.wrong.append(f"{row.name}: {response} for {str(sent)[:200]}")


@pytest_asyncio.fixture(loop_scope="session")
async def pest(server: Server) -> AsyncIterator[Pest]:
    """A moderator, so that nothing is refused before it is looked at."""
    owner = await Owner(server).arrives()
    await server.app.accounts.mark(owner.person.user_id, moderator=True)
    server.app.sessions.changed(owner.person.user_id)
    async with Wire(server.url, owner.person.token) as wire:
        pest = Pest(owner, wire)
        yield pest
        assert pest.wrong == []
        assert (await wire.ask("GET", f"{V3}/account/whoami")).status == 200


NO_JSON = [
    b"{", b"not json", b"{'a': 1}", b'{"a": 1,}', b'{"a" 1}', b'{"a": "',
    b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}', b'{"a": tru}', b'{"a": "\t"}',
    b'{"a": "\\x"}', b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), b"\x00",
    b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\\ud800"}',
]  # fmt: skip


async def test_what_is_no_json_is_refused_as_that(pest: Pest) -> None:
    for row, body in product(JSON, NO_JSON):
        await pest.expect(row, 400, "M_NOT_JSON", body)


async def test_what_is_no_object_is_refused_as_that(pest: Pest) -> None:
    for row in JSON:
        for body in (b"[]", b'"text"', b"1", b"null", b"true", b"1.5", b"[{}]"):
            await pest.expect(row, 400, "M_BAD_JSON", body)


def replaced(content: dict[str, Any], value: Any) -> Iterator[dict[str, Any]]:
    """The content with each of its fields replaced in turn."""
    for name in content:
        yield {**content, name: value}


WRONG: list[Any] = [
    None, 1, -1, 2**53, 2**64, 1.5, "", "text", [], {}, [[]], ["x"], {"x": {}}, {"": ""},
    "\0", "a\0b", "é" * 500, "x" * 70_000, "!", "@", "#:", "$", "../..", "💥",
]  # fmt: skip


async def test_fields_of_the_wrong_type_break_nothing(pest: Pest) -> None:
    for row in FIELDS:
        for value in WRONG:
            for content in replaced(json.loads(pest.owner.body(row) or b"{}"), value):
                await pest.ask(row, json.dumps(content).encode())


NUMBERS = ["1e999", "-1e999", "1e-999", "9" * 400, "-0", "-0.0", "18446744073709551616"]


async def test_numbers_beyond_all_bounds_break_nothing(pest: Pest) -> None:
    for row, number in product(FIELDS, NUMBERS):
        content = json.loads(pest.owner.body(row) or b"{}")
        for changed in [*replaced(content, "NUMBER"), {**content, "more": "NUMBER"}]:
            await pest.ask(row, json.dumps(changed).replace('"NUMBER"', number).encode())


async def test_of_two_fields_with_one_name_one_counts(pest: Pest) -> None:
    for row in FIELDS:
        body = (pest.owner.body(row) or b"{}").strip()
        await pest.ask(row, body[:-1] + b"," + body[1:])


@pytest.mark.parametrize("kind", [b"[%s]", b'{"a":%s}'])
async def test_what_is_nested_ten_thousand_deep_is_refused(pest: Pest, kind: bytes) -> None:
    before, after = kind.split(b"%s")
    deep = b'{"deep":' + before * 10_000 + b"1" + after * 10_000 + b"}"
    for row in JSON:
        response = await pest.ask(row, deep)
        if response.status not in (400, 413):
            pest.note(row, response, kind)


async def test_ten_megabytes_are_refused_in_words(pest: Pest) -> None:
    body = b'{"a":"' + b"x" * 10 * MIB + b'"}'
    for row in JSON:
        await pest.expect(row, 413, "M_TOO_LARGE", body)


async def test_who_is_refused_early_can_read_why(server: Server, pest: Pest) -> None:
    body = b'{"a":"' + b"x" * 10 * MIB + b'"}'
    async with Wire(server.url, "no-such-token") as wire:
        for row in JSON:
            if row.who in ("member", "moderator"):
                response = await wire.ask(row.method, pest.owner.path(row), body)
                if (response.status, response.code) != (401, "M_UNKNOWN_TOKEN"):
                    pest.note(row, response, "10 MB without a token")


CONTENT_TYPES = [
    "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
    "application/json; charset=utf-16", "a/b/c;;=", "application/xml",
]  # fmt: skip


async def test_json_is_json_whatever_it_is_called(pest: Pest) -> None:
    for row, content_type in product(FIELDS, CONTENT_TYPES):
        headers = [f"Content-Type: {content_type}"] if content_type else []
        response = await pest.ask(row, None, "", *headers)
        if response.status == 415 or response.code in ("M_NOT_JSON", "M_BAD_JSON"):
            pest.note(row, response, content_type)


async def test_bodies_where_none_belong_are_passed_over(pest: Pest) -> None:
    for row, body in product(READS, (b"{", b"x" * MIB)):
        response = await pest.ask(row, body)
        if row.who != "moderator" and response.status != row.owner:
            pest.note(row, response, body)


# Paths

PART = re.compile(r"{[^}]*}")


def bent(row: Row, part: str) -> Iterator[str]:
    """The row's path with each of its parameters replaced in turn."""
    path = row.path.partition("?")[0]
    for found in PART.finditer(path):
        yield path[: found.start()] + part + path[found.end() :]


PARTS = [
    "..", ".", "%2e%2e", "%2F", "..%2F..%2Fetc%2Fpasswd", "%5C", "%00", "a%00b", "%ff", "%",
    "%zz", "%ed%a0%80", "%F0%9F%92%A5", "", "%20", "@", "@:", "!", "#", "%23", "%24", "$",
    "*", "'", '"', ";", "%0d%0a", "~", "x" * 300, "x" * 60_000, "9" * 400, "-1", "null",
]  # fmt: skip
NO_TEXT = ("%00", "a%00b", "%ff", "%ed%a0%80")


async def test_no_part_of_a_path_plays_a_trick(pest: Pest) -> None:
    for row, part in product(ROWS, PARTS):
        question, query = row.path.partition("?")[1:]
        for path in bent(row, part):
            path = pest.owner.path(row._replace(path=path)) + question + query
            response = await pest.ask(row, None, path)
            if part in NO_TEXT and response.status < 400:
                pest.note(row, response, path)


NOWHERE = [
    "/", "//", "/_matrix", "/_matrix/", "/_matrix/client", "/_matrix/client/v3", f"{V3}/",
    f"{V3}/no/such/thing", f"{V3}//sync", f"/{V3}/sync", f"{V3}/sync/", f"{V3}/Sync",
    f"{V3}/x/../sync", "/_matrix/client/v99/sync", "/_matrix/client/v2_alpha/sync",
    f"{V3}/sync%2F", f"{V3}%2Fsync", f"{V3}/%73ync/", "/_matrix/client/unstable/none",
    "/_matrix/federation/v1/version", "/_matrix/key/v2/server", "/.well-known/none",
    "/_synapse/admin/v1/users", "/robots.txt", "/" + "x" * 60_000, "/" + "a/" * 20_000,
    "/%ff", "/%00", "/_matrix/media/v3/download/../../../etc/passwd",
]  # fmt: skip


async def test_what_does_not_exist_is_unrecognized(pest: Pest) -> None:
    for path, method in product(NOWHERE, ("GET", "PUT", "POST", "DELETE", "PATCH")):
        response = await pest.wire.ask(method, path, b"{}" if method != "GET" else None)
        assert (response.status, response.code) == (404, "M_UNRECOGNIZED"), (path, response)


async def test_a_wrong_method_is_unrecognized_as_such(pest: Pest) -> None:
    taken: dict[str, set[str]] = {}
    for row in TABLE:
        taken.setdefault(re.sub(PART, "x", row.path.partition("?")[0]), set()).add(row.method)
    for path, methods in taken.items():
        for method in {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"} - methods:
            response = await pest.wire.ask(method, path, b"{}" if method != "HEAD" else None)
            expected = None if method == "HEAD" else "M_UNRECOGNIZED"
            assert (response.status, response.code) == (405, expected), (method, path, response)


QUERIES = [
    "limit=x", "limit=-1", "limit=0", "limit=99999999999999999999", "limit=1e3", "limit=%00",
    "from=x", "from=", "from=s9_9_9_9", "from=-1", "to=x", "since=x", "since=%ff", "since=-1",
    "since=999999999999999999999", "at=x", "dir=x", "dir=", "ts=x", "ts=-1", "ts=1e99",
    "ts=99999999999999999999", "filter=%7B", "filter=%7B%22room%22%3A1%7D", "filter=x",
    "filter=[]", "width=-1&height=x", "width=99999999999&height=1", "method=x&width=1&height=1",
    "membership=x", "not_membership=%00", "full_state=x", "set_presence=x", "timeout=x",
    "timeout=-1", "a=%ff", "%ff=a", "a=%00", "&&&==&", "a" * 60_000, "a=1&" * 1000,
    "user_id=x", "server=x", "via=%00", "username=%00", "token=%00", "kind=x", "recurse=x",
    "max_depth=x", "include=x", "allow_redirect=x", "timeout_ms=x", "filename=%00",
    "access_token=",
]  # fmt: skip


async def test_no_query_breaks_a_route(pest: Pest) -> None:
    for row, query in product(READS, QUERIES):
        path = pest.owner.path(row).partition("?")[0]
        await pest.ask(row, None, f"{path}?{query}")


# Beneath the routes


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /\xff\xfe HTTP/1.1", b"GET /a b HTTP/1.1", b"BREW / HTTP/1.1", b"GET",
        b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9", b"GET http://[::1 HTTP/1.1",
    ],
)  # fmt: skip
async def test_what_is_no_http_hurts_nobody(server: Server, request_line: bytes) -> None:
    async with Wire(server.url) as wire:
        wire.writer.write(request_line + b"\r\nHost: x\r\n\r\n")
        answer = await wire.reader.read(65_536)
        assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0] or b" 404 " in answer
    async with Wire(server.url) as wire:
        assert (await wire.ask("GET", "/_matrix/client/versions")).status == 200
