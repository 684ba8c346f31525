"""Films are shown as they were meant, and open nothing but themselves."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from qingxin.media import frames
from tests.media import samples

MOST = 1_000_000
Kept = Callable[[bytes], Path]


@pytest.fixture
def keep(tmp_path: Path) -> Kept:
    def keep(data: bytes) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mp4"
        path.write_bytes(data)
        return path

    return keep


def size(path: Path, form: str = "mov", most: int = MOST) -> tuple[int, int] | None:
    with path.open("rb") as file:
        file.read(16)  # as one does who asks what it is
        image = frames.first_frame(file, form, most)
    return image.size if image else None


def size_for_the_trusting(path: Path, **options: str) -> tuple[int, int]:
    """What FFmpeg shows where nobody forbids it anything."""
    with av.open(str(path), options=options) as container:
        frame = next(container.decode(video=0))
        return frame.width, frame.height


def test_pixels_that_are_no_squares_are_shown_as_wide_as_meant(keep: Kept) -> None:
    assert size(keep(samples.film(pixel=Fraction(3, 2)))) == (480, 180)
    assert size(keep(samples.film_on_its_side(Fraction(3, 2)))) == (180, 480)


def test_a_film_that_is_too_large_is_not_decoded(keep: Kept) -> None:
    path = keep(samples.film())
    assert size(path, most=320 * 180) == (320, 180)
    with pytest.raises(MemoryError):
        size(path, most=320 * 180 - 1)


def test_a_film_that_refers_to_another_does_not_show_it(keep: Kept) -> None:
    path = keep(samples.film_elsewhere(str(keep(samples.film()))))
    allowed = {"enable_drefs": "1", "use_absolute_path": "1"}
    assert size_for_the_trusting(path, **allowed) == (320, 180)
    assert size(path) is None


def test_a_script_does_not_show_another_film(keep: Kept) -> None:
    other = keep(samples.film())
    path = keep(samples.script_of(str(other)))
    assert size_for_the_trusting(path, safe="0") == (320, 180)
    for form in ("mov", "matroska", "ogg", "avi", "concat"):
        assert size(path, form) is None


@pytest.mark.parametrize("form", ["mov", "matroska", "ogg", "avi", "hls"])
def test_a_playlist_opens_nothing(keep: Kept, form: str) -> None:
    assert size(keep(samples.playlist()), form) is None


def test_a_film_is_never_taken_for_another_format(keep: Kept) -> None:
    path = keep(samples.film())
    assert size(path, "matroska") is None
    assert size(path) == (320, 180)


def test_reading_closes_what_it_opened(keep: Kept) -> None:
    film, script = keep(samples.film()), keep(samples.playlist())
    size(film)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        size(film)
        size(script)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
