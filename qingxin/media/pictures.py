"""Thumbnails of pictures and of videos' first frames; runs in the worker process only.

Everything here reads what strangers have sent. What it cannot read is Unreadable, what would
take too much memory or time is TooMuch. Videos need OpenCV; without it they are Undecided.
"""

import io
from typing import BinaryIO

from PIL import Image, ImageCms, ImageSequence, UnidentifiedImageError

from qingxin.media.orders import LARGEST, Answer, Order

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
MOST_PIXELS = 64_000_000  # of a picture that has to be unpacked whole
MOST_JPEG_PIXELS = 256_000_000  # a JPEG can be read at an eighth of its size
MOST_MOVING_PIXELS = 100_000_000  # of all frames of an animation together
MOST_MADE_PIXELS = 50_000_000  # of all frames of an animated thumbnail: some 4 s of work
MOST_FRAMES = 300
PICTURES_IN_BOXES = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
RESIZABLE = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)  # orientations that swap width and height
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

Image.MAX_IMAGE_PIXELS = None  # we have limits of our own
Size = tuple[int, int]
Box = tuple[float, float, float, float]


class Unreadable(Exception):
    """This is no picture, or a damaged one."""


class TooMuch(Exception):
    """This picture is too large."""


class Undecided(Exception):
    """What would read this is not installed."""


def thumbnail(order: Order) -> tuple[Answer, bytes]:
    """The picture that was ordered. Raises Unreadable, TooMuch."""
    try:
        with open(order.path, "rb") as file:
            form = container_format(file.read(16))
            file.seek(0)
            return _of_video(file, form, order) if form else _of_image(file, order)
    except (Unreadable, TooMuch, Undecided):
        raise
    except MemoryError as error:
        raise TooMuch from error
    except Exception as error:  # decoders raise whatever they like
        raise Unreadable(str(error)) from error


def container_format(head: bytes) -> str:
    """FFmpeg's name for the format of a video that begins so; empty: it is none."""
    if head[4:8] == b"ftyp" and head[8:12] not in PICTURES_IN_BOXES:
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head.startswith(b"OggS"):
        return "ogg"
    return "avi" if head.startswith(b"RIFF") and head[8:12] == b"AVI " else ""


def fitting(original: Size, order: Order) -> tuple[Size, Box]:
    """The size of the thumbnail, never more than the original's, and the part that it shows.

    spec: client-server-api/#thumbnails
    """
    width, height = original
    if order.method == "scale":
        factor = min(1.0, order.width / width, order.height / height)
        return (max(1, round(width * factor)), max(1, round(height * factor))), (0, 0, *original)
    part_width = min(width, height * order.width / order.height)
    part_height = min(height, width * order.height / order.width)
    left, top = (width - part_width) / 2, (height - part_height) / 2
    factor = min(1.0, order.width / part_width)
    size = max(1, round(part_width * factor)), max(1, round(part_height * factor))
    return size, (left, top, left + part_width, top + part_height)


def _of_video(file: BinaryIO, form: str, order: Order) -> tuple[Answer, bytes]:
    try:
        from qingxin.media.frames import first_frame
    except ModuleNotFoundError:
        raise Undecided from None
    if (frame := first_frame(file, form, MOST_PIXELS)) is None:
        raise Unreadable("No frame of this video can be shown.")
    return _answer("video", frame.size, *_encoded(_shrunk(frame, order)))


def _of_image(file: BinaryIO, order: Order) -> tuple[Answer, bytes]:
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise Unreadable("This is no picture.") from None
    size = image.size
    if size[0] * size[1] > (MOST_JPEG_PIXELS if image.format == "JPEG" else MOST_PIXELS):
        raise TooMuch
    if order.animated and getattr(image, "is_animated", False):
        if data := _moving(image, order):
            return _answer("image", size, "image/webp", data)
        image.seek(0)
    image.draft(None, (longest := max(order.width, order.height), longest))
    if image.width * image.height > MOST_PIXELS:
        raise TooMuch
    image.load()
    turn = image.getexif().get(ORIENTATION)
    small = _shrunk(image, order, turn)
    return _answer("image", size[::-1] if turn in SIDEWAYS else size, *_encoded(small))


def _shrunk(image: Image.Image, order: Order, turn: int | None = None) -> Image.Image:
    """A small, upright picture in RGB, or in RGBA where one can see through it."""
    if turn in SIDEWAYS:
        order = Order(order.path, order.height, order.width, order.method)
    plain = _resizable(image)
    size, box = fitting(plain.size, order)
    small = plain.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    small = _in_srgb(small, image.info.get("icc_profile"))
    return small.transpose(TURNS[turn]) if turn in TURNS else small


def _resizable(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, whatever Pillow calls them
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in RESIZABLE else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as every screen shows them, so that the profile need not be sent along."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        colours = image.convert("RGB") if alpha else image
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(colours, source, SRGB, outputMode="RGB") or colours
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile is no profile
    image = image.convert("RGB")
    if alpha and alpha.getextrema() != (255, 255):
        image.putalpha(alpha)
    return image


def _moving(image: Image.Image, order: Order) -> bytes:
    """An animated WebP, or nothing where that would be too much."""
    frames: list[Image.Image] = []
    durations, read, made = [], 0, 0
    for frame in ImageSequence.Iterator(image):
        frames.append(_shrunk(frame, order))
        durations.append(round(frame.info.get("duration") or 100))
        read += frame.width * frame.height
        made += frames[-1].width * frames[-1].height
        if len(frames) > MOST_FRAMES or read > MOST_MOVING_PIXELS or made > MOST_MADE_PIXELS:
            return b""
    out = io.BytesIO()
    frames[0].save(
        out,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=image.info.get("loop", 1),
        quality=70,
        method=2,
    )
    return out.getvalue() if len(frames) > 1 and out.tell() <= LARGEST else b""


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    """The content type and the bytes; a new file, so no metadata comes along."""
    out = io.BytesIO()
    fresh = Image.new(image.mode, image.size)
    fresh.paste(image)
    if image.mode == "RGBA":
        fresh.save(out, "PNG", optimize=True)
        return "image/png", out.getvalue()
    fresh.save(out, "JPEG", quality=80, optimize=True, progressive=True)
    return "image/jpeg", out.getvalue()


def _answer(kind: str, size: Size, content_type: str, data: bytes) -> tuple[Answer, bytes]:
    return Answer(kind, content_type, *size, len(data)), data
