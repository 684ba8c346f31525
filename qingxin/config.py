"""Settings: declared once here with their meaning, read from TOML, the environment and --set.

Later wins: the file, then `QINGXIN_NAME`, then `--set name=value`.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MiB = 1024 * 1024


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator can choose; docs/reference/settings.md shows each description."""

    server_name: Annotated[
        str, Meta(description="The part after the colon in @name:server. Cannot change later.")
    ] = "localhost"
    public_url: Annotated[
        str, Meta(description="Where clients reach this server; empty: as the request says.")
    ] = ""
    database: Annotated[
        str, Meta(description="postgres://… for PostgreSQL; empty: SQLite in the data directory.")
    ] = ""
    nats: Annotated[
        str,
        Meta(description="nats://… by which several processes on one PostgreSQL wake each other."),
    ] = ""
    registration: Annotated[
        Literal["token", "open", "closed"],
        Meta(description="Who may make an account: with a token, anyone, or nobody."),
    ] = "token"
    rate_limits: Annotated[
        Literal["on", "off"], Meta(description="Off only for tests and benchmarks.")
    ] = "on"
    query_tokens: Annotated[
        Literal["on", "off"],
        Meta(description="Accept ?access_token=… in addresses, for old clients. Ends up in logs."),
    ] = "off"
    password_cost: Annotated[
        Literal["standard", "low"],
        Meta(description="Argon2id cost: standard (RFC 9106), or low for tests and benchmarks."),
    ] = "standard"
    access_token_minutes: Annotated[
        int, Meta(ge=1, description="Life of an access token for clients that can refresh theirs.")
    ] = 60
    max_upload: Annotated[int, Meta(ge=1, description="Largest media file, in bytes.")] = 100 * MiB
    media_quota: Annotated[
        int, Meta(ge=0, description="Media bytes one member may keep; 0: no limit.")
    ] = 0
    public_media: Annotated[
        Literal["on", "off"],
        Meta(description="Serve files at the old addresses without a token, for very old apps."),
    ] = "off"
    tail_bytes: Annotated[
        int, Meta(ge=0, description="Memory for the newest events, in bytes.")
    ] = 8 * MiB
    turn_uris: Annotated[
        list[str], Meta(description="TURN servers for calls, e.g. turn:turn.example.org:3478.")
    ] = []
    turn_secret: Annotated[
        str, Meta(description="Secret shared with the TURN servers (coturn: static-auth-secret).")
    ] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="How much the server says on standard error."),
    ] = "info"


class ConfigError(Exception):
    """A setting has an unusable name or value; the message says which and what would do."""


def load(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    overrides: Sequence[str] = (),
) -> Settings:
    """Settings from all three places. Raises ConfigError."""
    values: dict[str, Any] = _from_file(file) if file else {}
    for name in Settings.__struct_fields__:
        if (text := environment.get(f"QINGXIN_{name.upper()}")) is not None:
            values[name] = text
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"--set takes NAME=VALUE, not {override!r}.")
        values[name.strip()] = text
    return _convert(values)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file}: {error}") from error


def _convert(values: dict[str, Any]) -> Settings:
    known = set(Settings.__struct_fields__)
    if unknown := sorted(set(values) - known):
        names = ", ".join(sorted(known))
        raise ConfigError(f"No such setting: {', '.join(unknown)}. There are: {names}.")
    if isinstance(uris := values.get("turn_uris"), str):
        values = values | {"turn_uris": [uri.strip() for uri in uris.split(",") if uri.strip()]}
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error)) from error
