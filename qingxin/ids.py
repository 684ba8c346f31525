"""Identifiers: how users, rooms, events, aliases, devices and secrets are named.

spec: appendices/#identifier-grammar
"""

import base64
import hashlib
import re
import secrets
import string

LOCALPART = re.compile(r"[a-z0-9._=/+-]{1,200}\Z")
HISTORICAL = re.compile(r"[\x21-\x39\x3b-\x7e]{1,250}\Z")  # all printable ASCII but the colon
SERVER_NAME = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:\d{1,5})?\Z")
MAX_LENGTH = 255  # bytes, of any identifier


def unpadded(raw: bytes) -> str:
    """URL-safe base64 without padding (spec: appendices/#unpadded-base64)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    """What `unpadded` has encoded. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def digest(*parts: str) -> str:
    """43 characters that stand for these parts and no others."""
    hashed = hashlib.blake2b(digest_size=32)
    for part in parts:
        raw = part.encode()
        hashed.update(len(raw).to_bytes(4, "big") + raw)
    return unpadded(hashed.digest())


def random_event_id() -> str:
    return "$" + unpadded(secrets.token_bytes(32))


def opaque(length: int = 18) -> str:
    """Random letters for rooms, media and devices."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(length))


def secret(prefix: str) -> str:
    """A token nobody can guess: 256 random bits behind a prefix that says what it is."""
    return prefix + unpadded(secrets.token_bytes(32))


def is_user_id(text: str) -> bool:
    """Whether this is `@localpart:server`, with the historical characters allowed."""
    if not text.startswith("@") or len(text) > MAX_LENGTH:
        return False
    localpart, colon, server = text[1:].partition(":")
    return bool(colon and HISTORICAL.match(localpart) and SERVER_NAME.match(server))


def is_alias(text: str) -> bool:
    """Whether this is `#name:server`."""
    if not text.startswith("#") or len(text.encode(errors="replace")) > MAX_LENGTH or "\0" in text:
        return False
    name, colon, server = text[1:].partition(":")
    return bool(name and colon and SERVER_NAME.match(server))


def localpart(identifier: str) -> str:
    return identifier[1:].partition(":")[0]


def server_of(identifier: str) -> str:
    return identifier.partition(":")[2]
