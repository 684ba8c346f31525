"""Files made for a test: pictures by Pillow, films and voices by FFmpeg, and hostile ones."""

import io
import struct
import zlib
from fractions import Fraction
from typing import Any

import av
from PIL import Image, ImageDraw

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 200, 30), (30, 30, 200), (255, 255, 255)
SVG_WITH_SCRIPT = b"""<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"""
HTML_WITH_SCRIPT = b"""<!doctype html><script>fetch("/_matrix/client/v3/account/whoami")</script>"""


def corners(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """A picture whose upper left quarter is red, upper right green, lower left blue."""
    image = Image.new("RGB", size, WHITE)
    draw = ImageDraw.Draw(image)
    half = size[0] // 2, size[1] // 2
    draw.rectangle((0, 0, half[0] - 1, half[1] - 1), RED)
    draw.rectangle((half[0], 0, size[0], half[1] - 1), GREEN)
    draw.rectangle((0, half[1], half[0] - 1, size[1]), BLUE)
    return image.convert(mode)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def png(size: tuple[int, int] = (640, 480), mode: str = "RGB") -> bytes:
    return saved(corners(size, mode), "PNG")


def jpeg(size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    return saved(corners(size), "JPEG", quality=90, **options)


def turned(orientation: int) -> bytes:
    """What a camera saves that was held in some way, and where it was held: corners, upright."""
    upright = corners((400, 200))
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = upright.transpose(back) if back is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A Camera"
    exif.get_ifd(0x8825)[1] = "N"  # the place where it was taken
    return saved(image, "JPEG", quality=95, exif=exif)


def sixteen_bits() -> bytes:
    """Grey that has 65,536 shades: black on the left, white on the right."""
    image = Image.new("I;16", (200, 100))
    image.paste(65_535, (100, 0, 200, 100))
    return saved(image, "PNG")


def see_through() -> bytes:
    image = Image.new("RGBA", (200, 100), (*RED, 255))
    image.paste((0, 0, 0, 0), (100, 0, 200, 100))
    return saved(image, "PNG")


def moving(form: str = "GIF", size: tuple[int, int] = (300, 200), frames: int = 3) -> bytes:
    colours = [RED, GREEN, BLUE, WHITE]
    images = [Image.new("RGB", size, colours[number % 4]) for number in range(frames)]
    options = {"save_all": True, "append_images": images[1:], "duration": 120, "loop": 0}
    return saved(images[0], form, **options)


def profile_with_gamma(gamma: float) -> bytes:
    """An ICC profile of the primaries of sRGB with another curve (ICC.1, version 2)."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)

    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249),
        b"rXYZ": b"XYZ \0\0\0\0" + fixed(0.4361, 0.2225, 0.0139),
        b"gXYZ": b"XYZ \0\0\0\0" + fixed(0.3851, 0.7169, 0.0971),
        b"bXYZ": b"XYZ \0\0\0\0" + fixed(0.1431, 0.0606, 0.7141),
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    start = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + table + data


def film(
    form: str = "mp4",
    codec: str = "libx264",
    size: tuple[int, int] = (320, 180),
    frames: int = 10,
    pixel: Fraction = Fraction(1),
) -> bytes:
    """A film that begins with the corners; `pixel` is how wide one is shown for its height."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(corners(size))))
        container.mux(stream.encode())
    return out.getvalue()


def film_on_its_side(pixel: Fraction = Fraction(1)) -> bytes:
    """An MP4 from a telephone held upright: its matrix says to turn the picture clockwise."""
    straight = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    clockwise = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    data = film(pixel=pixel)
    track = data.index(b"tkhd")
    place = data.index(straight, track)
    return data[:place] + clockwise + data[place + len(clockwise) :]


def voice(seconds: int = 1) -> bytes:
    """A voice message: Opus in Ogg."""
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000)
        stream.layout = "mono"
        for _ in range(50 * seconds):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate = 48_000
            frame.planes[0].update(bytes(1920))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def slow() -> bytes:
    """An animation within all limits whose every frame has to be painted whole."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 3000, 3000, 0b1000_0000, 0, 0) + bytes(6)
    dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    delay = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    return screen + (delay + dot) * 11 + b"\x3b"


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png_of(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG in RGB that says so about its size, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def bomb() -> bytes:
    """A picture of 900 megapixels in 3 MB."""
    side = 30_000
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(1)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH)
    return png_of(side, side, head + block * (3 * side * side // 1024**2 + 1) + packer.flush())


def claims_to_be_huge() -> bytes:
    return png_of(2_000_000_000, 2_000_000_000, zlib.compress(b""))


def hundred_megapixels() -> bytes:
    return saved(Image.new("L", (10_000, 10_000)), "PNG")


def playlist() -> bytes:
    """What makes FFmpeg open other files, were it let."""
    return b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def script_of(path: str) -> bytes:
    """What makes FFmpeg show another film, were it let: a script of its own."""
    return f"ffconcat version 1.0\nfile '{path}'\n".encode()


def film_elsewhere(path: str) -> bytes:
    """An MP4 whose pictures are not in it but in the film of that path, as QuickTime has it."""
    data = film()
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data = data[:start] + bytes(end - start) + data[end:]
    name = path.encode() + bytes(len(path) % 2)
    alias = bytes(10) + bytes([0]) + bytes(27 + 12) + bytes([1]) + b"x".ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">hh", 0, 0) + bytes(16)
    alias += struct.pack(">HH", 2, len(name)) + name + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    old = struct.pack(">I4sI", 12, b"url ", 1)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = data.index(box) - 4
        (size,) = struct.unpack_from(">I", data, place)
        longer = struct.pack(">I", size + len(entry) - len(old))
        data = data[:place] + longer + data[place + 4 :]
    return data.replace(old, entry, 1)
