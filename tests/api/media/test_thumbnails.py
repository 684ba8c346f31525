"""Thumbnails over HTTP: what there are, and what is refused."""

import io
import os

import pytest
from PIL import Image

from tests.api.media.place import CONTENT, NEW, Person, refused
from tests.media import samples


async def test_a_picture_has_thumbnails(alice: Person, bob: Person) -> None:
    address = await alice.upload(samples.png((1000, 500)), "image/png", "cat.png")
    for method, side, size in (("crop", 96, (96, 96)), ("scale", 320, (640, 320))):
        answer = await bob.thumbnail(address, width=side, height=side, method=method)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"] == "inline; filename=thumbnail.jpg"
        assert Image.open(io.BytesIO(answer.content)).size == size


async def test_the_method_may_be_left_out(alice: Person) -> None:
    address = await alice.upload(samples.png())
    answer = await alice.http.get(f"{NEW}/thumbnail/{address}?width=300&height=200")
    assert Image.open(io.BytesIO(answer.content)).size == (320, 240)


@pytest.mark.parametrize(
    ("kind", "content"),
    [("image/gif", samples.moving()), ("application/octet-stream", samples.moving("WEBP"))],
)
async def test_an_animated_thumbnail_is_sent_only_when_wished(
    alice: Person, kind: str, content: bytes
) -> None:
    address = await alice.upload(content, kind)
    for wish in ({}, {"animated": "false"}):
        assert (await alice.thumbnail(address, **wish)).headers["content-type"] == "image/jpeg"
    answer = await alice.thumbnail(address, animated="true")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).is_animated


async def test_a_film_has_a_poster(alice: Person) -> None:
    answer = await alice.thumbnail(await alice.upload(samples.film(), "video/mp4"))
    assert Image.open(io.BytesIO(answer.content)).size == (320, 180)


async def test_a_voice_message_is_played_in_place_and_has_no_thumbnail(alice: Person) -> None:
    voice = samples.voice()
    address = await alice.upload(voice, "audio/ogg", "voice.ogg")
    answer = await alice.download(address, range="bytes=0-")
    assert (answer.status_code, answer.content) == (206, voice)
    assert answer.headers["content-disposition"] == "inline; filename=voice.ogg"
    refused(await alice.thumbnail(address), 400, "M_UNKNOWN")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (CONTENT, "text/plain", 400, "M_UNKNOWN"),
        (os.urandom(2000), "image/png", 400, "M_UNKNOWN"),
        (samples.SVG_WITH_SCRIPT, "image/svg+xml", 400, "M_UNKNOWN"),
        (samples.jpeg()[:2000], "image/jpeg", 400, "M_UNKNOWN"),
        (b"", "image/png", 400, "M_UNKNOWN"),
        (samples.bomb(), "image/png", 413, "M_TOO_LARGE"),
        (samples.hundred_megapixels(), "image/png", 413, "M_TOO_LARGE"),
    ],
    ids=["text", "encrypted", "svg", "truncated", "empty", "bomb", "100 MP"],
)
async def test_what_has_no_thumbnail_is_refused_and_hurts_nobody(
    alice: Person, content: bytes, kind: str, status: int, code: str
) -> None:
    address = await alice.upload(content, kind)
    refused(await alice.thumbnail(address), status, code)
    assert (await alice.thumbnail(await alice.upload(samples.png()))).status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "M_MISSING_PARAM"),
        ("width=32", "M_MISSING_PARAM"),
        ("width=0&height=32", "M_INVALID_PARAM"),
        ("width=32&height=-32", "M_INVALID_PARAM"),
        ("width=32.5&height=32", "M_INVALID_PARAM"),
        ("width=many&height=32", "M_INVALID_PARAM"),
        ("width=32&height=", "M_INVALID_PARAM"),
        ("width=32&height=32&method=stretch", "M_INVALID_PARAM"),
        ("width=32&height=32&animated=perhaps", "M_INVALID_PARAM"),
        ("width=32&height=32&timeout_ms=soon", "M_INVALID_PARAM"),
        (f"width={'9' * 400}&height=32", "M_INVALID_PARAM"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(alice: Person, query: str, code: str) -> None:
    address = await alice.upload(samples.png())
    refused(await alice.http.get(f"{NEW}/thumbnail/{address}?{query}"), 400, code)
