"""The endpoints of files and their thumbnails.

spec: client-server-api/#content-repository
"""

import re
from typing import Any

from qingxin.api.delivery import Item, deliver
from qingxin.api.http import Call, Reply, Stream, Who, route
from qingxin.api.matrix.text import check_text
from qingxin.errors import InvalidParam, MissingParam, NotFound
from qingxin.media.files import Files, Label, Media
from qingxin.media.thumbnails import Shape, Thumbnails

MEDIA = "/_matrix/media/"
VERSIONS = ("v3", "r0", "v1")  # of the addresses that old clients know
NEW = "/_matrix/client/v1/media/"
UPLOAD = tuple(f"{MEDIA}{version}/upload" for version in VERSIONS)
CONFIG = (NEW + "config", *(f"{MEDIA}{version}/config" for version in VERSIONS))
FILE = "{server_name}/{media_id}"
DOWNLOAD = (f"{NEW}download/{FILE}", f"{NEW}download/{FILE}/{{file_name}}")
OLD_DOWNLOAD = tuple(
    f"{MEDIA}{version}/download/{FILE}{name}"
    for version in VERSIONS
    for name in ("", "/{file_name}")
)
THUMBNAIL = f"{NEW}thumbnail/{FILE}"
OLD_THUMBNAIL = tuple(f"{MEDIA}{version}/thumbnail/{FILE}" for version in VERSIONS)

WAIT_MS, MOST_WAIT_MS = 20_000, 60_000  # for a file that is yet to be uploaded
MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}"
    r"([ ]*;[ ]*[\w-]{1,40}=(\"[ !#-~]*\"|[\w!#$&^.+-]+))*\Z",
    re.ASCII,
)
UNKNOWN_TYPE = "application/octet-stream"
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


class MediaEndpoints:
    """Upload, download, thumbnails. `public`: the old addresses need no token."""

    def __init__(
        self, files: Files, thumbnails: Thumbnails, server_name: str, *, public: bool = False
    ) -> None:
        self._files = files
        self._thumbnails = thumbnails
        self._server_name = server_name
        self._public = public

    @route("GET", *CONFIG)
    async def config(self, call: Call) -> dict[str, int]:
        return {"m.upload.size": self._files.max_upload}

    @route("POST", *UPLOAD, limit="upload")
    async def upload(self, call: Call) -> dict[str, str]:
        media_id = await self._files.upload(call.caller.user_id, _label(call), call.pieces())
        return {"content_uri": self._address(media_id)}

    @route("POST", MEDIA + "v1/create", limit="upload")
    async def create(self, call: Call) -> dict[str, Any]:
        reserved = await self._files.reserve(call.caller.user_id)
        return {
            "content_uri": self._address(reserved.media_id),
            "unused_expires_at": reserved.expires,
        }

    @route("PUT", f"{MEDIA}v3/upload/{FILE}", limit="upload")
    async def upload_later(self, call: Call, server_name: str, media_id: str) -> None:
        self._check_server(server_name)
        await self._files.fulfil(call.caller.user_id, media_id, _label(call), call.pieces())

    @route("GET", *DOWNLOAD, limit="media")
    @route("HEAD", *DOWNLOAD, limit="media")
    async def download(
        self, call: Call, server_name: str, media_id: str, file_name: str | None = None
    ) -> Reply | Stream:
        return await self._file(call, server_name, media_id, file_name)

    @route("GET", *OLD_DOWNLOAD, who=Who.MAYBE, limit="media")
    @route("HEAD", *OLD_DOWNLOAD, who=Who.MAYBE, limit="media")
    async def old_download(
        self, call: Call, server_name: str, media_id: str, file_name: str | None = None
    ) -> Reply | Stream:
        self._check_public(call)
        return await self._file(call, server_name, media_id, file_name)

    @route("GET", THUMBNAIL, limit="media")
    @route("HEAD", THUMBNAIL, limit="media")
    async def thumbnail(self, call: Call, server_name: str, media_id: str) -> Reply | Stream:
        return await self._thumbnail(call, server_name, media_id)

    @route("GET", *OLD_THUMBNAIL, who=Who.MAYBE, limit="media")
    @route("HEAD", *OLD_THUMBNAIL, who=Who.MAYBE, limit="media")
    async def old_thumbnail(self, call: Call, server_name: str, media_id: str) -> Reply | Stream:
        self._check_public(call)
        return await self._thumbnail(call, server_name, media_id)

    async def _file(
        self, call: Call, server_name: str, media_id: str, file_name: str | None
    ) -> Reply | Stream:
        check_text(file_name, "The file name")
        media = await self._find(call, server_name, media_id)
        item = Item(
            media.content_type,
            media.size,
            media.hash or "",
            file_name or media.filename,
            lambda: self._files.open(media),
        )
        return await deliver(call, item)

    async def _thumbnail(self, call: Call, server_name: str, media_id: str) -> Reply | Stream:
        wish = _wish(call)
        media = await self._find(call, server_name, media_id)
        found = await self._thumbnails.of(media, wish)
        item = Item(
            found.content_type,
            found.size,
            found.hash,
            f"thumbnail.{EXTENSIONS[found.content_type]}",
            lambda: self._thumbnails.open(found),
        )
        return await deliver(call, item)

    async def _find(self, call: Call, server_name: str, media_id: str) -> Media:
        self._check_server(server_name)
        wait = call.number("timeout_ms", WAIT_MS, most=MOST_WAIT_MS)
        return await self._files.find(media_id, wait=wait / 1000)

    def _check_server(self, server_name: str) -> None:
        if server_name != self._server_name:
            raise NotFound("This server has only the files of its own members.")

    def _check_public(self, call: Call) -> None:
        # docs/decisions/0010-authenticated-media.md
        if not self._public and call.maybe_caller is None:
            raise NotFound("Sign in to see files: /_matrix/client/v1/media.")

    def _address(self, media_id: str) -> str:
        return f"mxc://{self._server_name}/{media_id}"


def _label(call: Call) -> Label:
    filename = call.query("filename") or None
    check_text(filename, "The file name")
    length = call.header(b"content-length")
    return Label(
        content_type=_content_type(call),
        filename=filename,
        length=int(length) if length.isascii() and length.isdigit() else None,
    )


def _content_type(call: Call) -> str:
    """What the uploader says, or the type of bytes in general where that makes no sense."""
    text = call.header(b"content-type").strip()
    return text if len(text) <= 255 and MEDIA_TYPE.match(text) else UNKNOWN_TYPE


def _wish(call: Call) -> Shape:
    """The thumbnail that is asked for. Raises MissingParam, InvalidParam."""
    return Shape(
        width=_side(call, "width"),
        height=_side(call, "height"),
        method=call.choice("method", ("crop", "scale"), "scale") or "scale",
        animated=call.flag("animated"),
    )


def _side(call: Call, name: str) -> int:
    if call.query(name) is None:
        raise MissingParam(f"Say the {name} of the thumbnail.")
    if not (side := call.number(name, 0)):
        raise InvalidParam(f"{name} must be a whole number of at least 1.")
    return side
