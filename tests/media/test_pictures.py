"""Thumbnails show what the picture shows, upright, in its colours, and say nothing else."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from qingxin.media import pictures
from qingxin.media.orders import Answer, Order
from qingxin.media.pictures import TooMuch, Unreadable, fitting, thumbnail
from tests.media import samples
from tests.media.samples import BLUE, GREEN, RED, WHITE


class Made:
    """A thumbnail, decoded again."""

    def __init__(self, answer: Answer, data: bytes) -> None:
        self.answer = answer
        self.image = Image.open(io.BytesIO(data))
        assert Image.MIME[self.image.format or ""] == answer.content_type
        assert len(data) == answer.length

    @property
    def size(self) -> tuple[int, int]:
        return self.image.size

    def shows(self, *colours: tuple[int, int, int]) -> None:
        """The colours in the middle of each quarter, from left to right and top to bottom."""
        width, height = self.image.size
        for number, colour in enumerate(colours):
            place = width * (1 + number % 2 * 2) // 4, height * (1 + number // 2 * 2) // 4
            found = self.image.convert("RGB").getpixel(place)
            assert isinstance(found, tuple)
            assert max(abs(a - b) for a, b in zip(found, colour, strict=True)) < 25, (place, found)


@pytest.fixture
def make(tmp_path: Path) -> Any:
    def make(
        data: bytes, size: tuple[int, int] = (96, 96), method: str = "scale", **wish: Any
    ) -> Made:
        path = tmp_path / "original"
        path.write_bytes(data)
        return Made(*thumbnail(Order(str(path), *size, method, **wish)))

    return make


@pytest.mark.parametrize(
    ("original", "wish", "method", "size", "part"),
    [
        ((640, 480), (320, 240), "scale", (320, 240), (0, 0, 640, 480)),
        ((640, 480), (800, 600), "scale", (640, 480), (0, 0, 640, 480)),
        ((1000, 100), (320, 240), "scale", (320, 32), (0, 0, 1000, 100)),
        ((10_000, 1), (320, 240), "scale", (320, 1), (0, 0, 10_000, 1)),
        ((640, 480), (96, 96), "crop", (96, 96), (80, 0, 560, 480)),
        ((480, 640), (96, 96), "crop", (96, 96), (0, 80, 480, 560)),
        ((40, 30), (96, 96), "crop", (30, 30), (5, 0, 35, 30)),
        ((400, 400), (96, 48), "crop", (96, 48), (0, 100, 400, 300)),
        ((1, 1), (32, 32), "crop", (1, 1), (0, 0, 1, 1)),
    ],
)
def test_what_a_thumbnail_shows(
    original: tuple[int, int],
    wish: tuple[int, int],
    method: str,
    size: tuple[int, int],
    part: tuple[int, int, int, int],
) -> None:
    assert fitting(original, Order("", *wish, method)) == (size, part)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
def test_every_usual_kind_of_picture_has_a_thumbnail(make: Any, form: str) -> None:
    made = make(samples.saved(samples.corners((640, 480)), form), (320, 240))
    assert made.answer == Answer("image", "image/jpeg", 640, 480, made.answer.length)
    assert made.size == (320, 240)
    made.shows(RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_colours_has_a_thumbnail(make: Any, mode: str) -> None:
    assert make(samples.png(mode=mode)).size == (96, 72)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_upright_however_the_camera_was_held(make: Any, orientation: int) -> None:
    made = make(samples.turned(orientation), (200, 200))
    assert made.size == (200, 100)
    assert (made.answer.width, made.answer.height) == (400, 200)
    made.shows(RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_part_of_a_photograph_is_upright_too(make: Any, orientation: int) -> None:
    made = make(samples.turned(orientation), (100, 50), "crop")
    assert made.size == (100, 50)
    made.shows(RED, GREEN, BLUE, WHITE)


def test_nothing_of_what_a_camera_knows_is_sent_along(make: Any) -> None:
    made = make(samples.turned(1))
    assert not made.image.getexif()
    assert not {"exif", "icc_profile", "comment", "xmp"} & set(made.image.info)


def test_shades_beyond_eight_bits_are_shown(make: Any) -> None:
    image = make(samples.sixteen_bits()).image.convert("L")
    assert image.getpixel((10, 20)) < 10
    assert image.getpixel((80, 20)) > 245


def test_half_shades_of_sixteen_bits_are_half_grey(make: Any) -> None:
    data = samples.saved(Image.new("I;16", (100, 100), 32_768), "PNG")
    assert abs(make(data).image.convert("L").getpixel((50, 50)) - 128) < 3


def test_what_one_can_see_through_stays_so(make: Any) -> None:
    made = make(samples.see_through())
    assert made.answer.content_type == "image/png"
    assert made.image.getpixel((10, 20)) == (*RED, 255)
    assert made.image.getpixel((80, 20))[3] == 0


def test_an_alpha_channel_without_holes_is_dropped(make: Any) -> None:
    assert make(samples.png(mode="RGBA")).answer.content_type == "image/jpeg"


def test_colours_for_print_are_shown(make: Any) -> None:
    image = Image.new("CMYK", (200, 100), (0, 255, 255, 0))  # what printers call red
    red, green, blue = make(samples.saved(image, "JPEG")).image.getpixel((50, 20))
    assert red > 200
    assert max(green, blue) < 80


def test_colours_of_another_profile_are_converted(make: Any) -> None:
    """In this profile the first channel is the red of sRGB, to the power of 4 and not 2.2."""
    steep = samples.profile_with_gamma(4.0)
    grey = Image.new("RGB", (100, 100), (128, 128, 128))
    plain = make(samples.saved(grey, "PNG")).image.getpixel((50, 50))[0]
    dark = make(samples.saved(grey, "PNG", icc_profile=steep)).image.getpixel((50, 50))[0]
    assert (plain, dark) == (128, pytest.approx(70, abs=12))


def test_a_damaged_profile_is_no_profile(make: Any) -> None:
    make(samples.jpeg(icc_profile=b"not a profile")).shows(RED, GREEN, BLUE, WHITE)


def test_an_animation_moves_only_when_that_was_wished(make: Any) -> None:
    for form in ("GIF", "WEBP", "PNG"):
        still = make(samples.moving(form))
        assert not getattr(still.image, "is_animated", False)
        assert still.answer.content_type == "image/jpeg"
        made = make(samples.moving(form), animated=True)
        assert (made.answer.content_type, made.image.n_frames) == ("image/webp", 3)
        assert made.size == (96, 64)


def test_an_animation_that_is_too_long_stands_still(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_FRAMES", 2)
    assert make(samples.moving(), animated=True).answer.content_type == "image/jpeg"


def test_a_still_picture_stands_still_also_when_it_was_wished_to_move(make: Any) -> None:
    assert make(samples.jpeg(), animated=True).answer.content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("form", "codec"),
    [
        ("mp4", "libx264"),
        ("mp4", "libx265"),
        ("mp4", "libsvtav1"),
        ("mov", "mpeg4"),
        ("avi", "mpeg4"),
        ("matroska", "libx264"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("webm", "libsvtav1"),
    ],
)
def test_a_film_shows_its_first_frame(make: Any, form: str, codec: str) -> None:
    made = make(samples.film(form, codec), (160, 160))
    assert made.answer == Answer("video", "image/jpeg", 320, 180, made.answer.length)
    made.shows(RED, GREEN, BLUE, WHITE)


def test_a_film_from_an_upright_telephone_is_upright(make: Any) -> None:
    made = make(samples.film_on_its_side(), (160, 160))
    assert made.size == (90, 160)
    made.shows(BLUE, RED, WHITE, GREEN)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        bytes(100_000),
        samples.SVG_WITH_SCRIPT,
        samples.HTML_WITH_SCRIPT,
        samples.playlist(),
        samples.voice(),
        samples.png()[:300],
        samples.jpeg()[:2000],
        samples.film()[:100],
        b"\x1aE\xdf\xa3" + bytes(100),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
)
def test_what_is_no_whole_picture_is_unreadable(make: Any, data: bytes) -> None:
    with pytest.raises(Unreadable):
        make(data)


@pytest.mark.parametrize(
    "data", [samples.claims_to_be_huge(), samples.hundred_megapixels()], ids=["claim", "100 MP"]
)
def test_what_is_too_large_is_not_even_unpacked(make: Any, data: bytes) -> None:
    with pytest.raises(TooMuch):
        make(data)


def test_the_profile_of_the_test_is_one() -> None:
    ImageCms.ImageCmsProfile(io.BytesIO(samples.profile_with_gamma(4.0)))
