"""Backups: every row, every media file and the settings, in a directory or a .tar file.

The rows are copied first, in one consistent picture. Media files never change, so those copied
afterwards are all that the rows name, but for what somebody has removed in between.
"""

import asyncio
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import msgspec
from msgspec import Struct

from qingxin import __version__
from qingxin.app import App
from qingxin.commands.console import Problem, Report
from qingxin.commands.options import FILE

ROWS, MANIFEST, MEDIA = "rows.db", "manifest.json", "media"
OURS = re.compile(rf"(?:{ROWS}|{MANIFEST}|{re.escape(FILE)}|{MEDIA}/[\w/-]+)\Z", re.ASCII)
FORMAT = 1


class Manifest(Struct, frozen=True):
    """What a backup says about itself."""

    format: int
    version: str
    server_name: str
    made: int
    files: int
    bytes: int


class Piece(Struct, frozen=True):
    """One file: where it lies, what it is called in the backup, and its size."""

    path: Path
    name: str
    size: int


class Shelf(Protocol):
    """Where a backup is put together."""

    def put(self, piece: Piece) -> None: ...

    def close(self) -> None: ...


async def write(app: App, target: Path, report: Report) -> dict[str, int]:
    """Make a backup at `target`. Raises Problem, OSError."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise Problem(f"{target} is there already.")
    partial = target.with_name(f".{target.name}.partial")
    with TemporaryDirectory(prefix=".qingxin-", dir=target.absolute().parent) as folder:
        rows = Path(folder) / ROWS
        await app.database.backup(rows)
        pieces = [_piece(rows, ROWS), *_settings(app.data), *_media(app.data)]
        about = _manifest(app, pieces)
        (Path(folder) / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(about)))
        pieces.insert(0, _piece(Path(folder) / MANIFEST, MANIFEST))
        await asyncio.to_thread(_copy, pieces, partial, target, report)
    return {"files": about.files, "bytes": about.bytes}


def _manifest(app: App, pieces: list[Piece]) -> Manifest:
    total = sum(piece.size for piece in pieces)
    now = app.clock.now()
    return Manifest(FORMAT, __version__, app.settings.server_name, now, len(pieces), total)


def _piece(path: Path, name: str) -> Piece:
    return Piece(path, name, path.stat().st_size)


def _settings(data: Path) -> Iterator[Piece]:
    if (data / FILE).exists():
        yield _piece(data / FILE, FILE)


def _media(data: Path) -> Iterator[Piece]:
    """The media files; one that is removed under our eyes is no longer wanted."""
    for path in sorted((data / MEDIA / "blobs").rglob("*")):
        try:
            if path.is_file():
                yield _piece(path, str(path.relative_to(data)))
        except FileNotFoundError:
            continue


def _copy(pieces: list[Piece], partial: Path, target: Path, report: Report) -> None:
    """Put the pieces together beside `target` and move them there when they are durable."""
    shelf: Shelf = TarShelf(partial) if target.suffix == ".tar" else FolderShelf(partial)
    done, total = 0, sum(piece.size for piece in pieces)
    for piece in pieces:
        try:
            shelf.put(piece)
        except FileNotFoundError:
            if piece.name in (ROWS, MANIFEST):
                raise
        done += piece.size
        report(done, total)
    shelf.close()
    os.replace(partial, target)


class FolderShelf:
    """A backup as a directory."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder

    def put(self, piece: Piece) -> None:
        place = self._folder / piece.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(piece.path, place)

    def close(self) -> None:
        os.sync()


class TarShelf:
    """A backup as one file that every tar can read."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def put(self, piece: Piece) -> None:
        with piece.path.open("rb") as source:
            about = tarfile.TarInfo(piece.name)
            about.size, about.mode = os.fstat(source.fileno()).st_size, 0o600
            self._tar.addfile(about, source)

    def close(self) -> None:
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def read(source: Path, folder: Path, report: Report) -> Manifest:
    """Copy the backup at `source` into `folder`. Raises Problem."""
    if source.is_dir():
        about = _manifest_of(
            (source / MANIFEST).read_bytes() if (source / MANIFEST).exists() else b""
        )
        _from_folder(source, folder, about, report)
        return about
    try:
        with tarfile.open(source, "r:") as tar:
            return _from_tar(tar, folder, report)
    except (OSError, tarfile.TarError) as error:
        raise Problem(f"{source} is no backup of Qingxin: {error}.") from error


def _manifest_of(text: bytes) -> Manifest:
    try:
        about = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError:
        raise Problem("This is no backup of Qingxin: it has no usable manifest.") from None
    if about.format > FORMAT:
        raise Problem(f"This backup was made by Qingxin {about.version}, which is newer than this.")
    return about


def _from_folder(source: Path, folder: Path, about: Manifest, report: Report) -> None:
    shelf, done = FolderShelf(folder), 0
    for path in sorted(source.rglob("*")):
        name = str(path.relative_to(source))
        if path.is_file() and OURS.match(name):
            shelf.put(Piece(path, name, 0))
            done += path.stat().st_size
            report(min(done, about.bytes), about.bytes)


def _from_tar(tar: tarfile.TarFile, folder: Path, report: Report) -> Manifest:
    first = tar.next()
    content = tar.extractfile(first) if first and first.name == MANIFEST else None
    about = _manifest_of(content.read() if content else b"")
    folder.mkdir(mode=0o700, parents=True)
    done = 0
    while member := tar.next():
        # Only names that a backup has: a stranger's tar cannot write elsewhere.
        if (content := tar.extractfile(member)) is None or not OURS.match(member.name):
            raise Problem(f"{member.name} does not belong into a backup.")
        place = folder / member.name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
        done += member.size
        report(min(done, about.bytes), about.bytes)
    return about
