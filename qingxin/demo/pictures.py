"""Pictures for the sample world, painted by code: landscapes, dishes and avatars."""

import math
from collections.abc import Callable
from colorsys import hsv_to_rgb
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SIZE = (1280, 853)


def picture(what: str) -> bytes:
    """A JPEG of `lake`, `hills`, `sunset`, `city`, `soup` …; each word looks its own way."""
    painters = {"city": _city, "soup": _dish, "dumplings": _dish, "cake": _dish}
    random = Random(what)
    image = _painted(painters.get(what, _landscape), random)
    out = BytesIO()
    image.save(out, "JPEG", quality=86)
    return out.getvalue()


def avatar(name: str) -> bytes:
    """A PNG for a person or a room: soft circles in colours of their own."""
    random = Random(name)
    hue = random.random()
    image = _sky((256, 256), _colour(hue, 0.55, 0.92), _colour(hue + 0.12, 0.65, 0.72))
    draw = ImageDraw.Draw(image, "RGBA")
    for _ in range(5):
        x, y, radius = random.randrange(256), random.randrange(256), random.randrange(30, 110)
        shade = _colour(hue + random.uniform(-0.15, 0.15), 0.4, 1.0)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*shade, 90))
    out = BytesIO()
    image.filter(ImageFilter.GaussianBlur(1.5)).save(out, "PNG", optimize=True)
    return out.getvalue()


def _painted(paint: Callable[[Image.Image, Random], None], random: Random) -> Image.Image:
    hue = random.choice((0.55, 0.58, 0.05, 0.93))
    image = _sky(SIZE, _colour(hue, 0.55, 0.95), _colour(hue + 0.08, 0.25, 1.0))
    paint(image, random)
    return image.filter(ImageFilter.GaussianBlur(1))


def _sky(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """A gradient from top to bottom."""
    mask = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask)


def _landscape(image: Image.Image, random: Random) -> None:
    """A sun and five ranges of hills, paler the farther."""
    draw, (wide, high) = ImageDraw.Draw(image), image.size
    x, y, radius = random.randrange(200, wide - 200), random.randrange(120, 320), 60
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 244, 214))
    hue = random.uniform(0.3, 0.62)
    for distance in range(5):
        level = high * (0.45 + 0.11 * distance)
        draw.polygon(
            _ridge(wide, high, level, random),
            fill=_colour(hue, 0.3 + 0.1 * distance, 0.8 - 0.13 * distance),
        )


def _ridge(wide: int, high: int, level: float, random: Random) -> list[tuple[float, float]]:
    waves = [
        (random.uniform(1, 7), random.uniform(0, 6.3), random.uniform(8, 40)) for _ in range(4)
    ]
    top = [
        (float(x), level + sum(a * math.sin(f * x / wide * 6.3 + p) for f, p, a in waves) / 2)
        for x in range(0, wide + 16, 16)
    ]
    return [(0.0, float(high)), *top, (float(wide), float(high))]


def _city(image: Image.Image, random: Random) -> None:
    """Rows of houses with lit windows."""
    draw, (wide, high) = ImageDraw.Draw(image), image.size
    for row in range(3):
        x = -20
        while x < wide:
            broad, top = random.randrange(70, 150), high - random.randrange(300, 620) + row * 130
            shade = 92 - 28 * row
            draw.rectangle((x, top, x + broad, high), fill=(shade, shade + 6, shade + 22))
            for window in range(top + 14, high, 26):
                for column in range(x + 12, x + broad - 12, 22):
                    if random.random() < 0.4:
                        draw.rectangle(
                            (column, window, column + 9, window + 12), fill=(255, 221, 140)
                        )
            x += broad + random.randrange(2, 14)


def _dish(image: Image.Image, random: Random) -> None:
    """A bowl on a table, with something good in it."""
    draw, (wide, high) = ImageDraw.Draw(image), image.size
    draw.rectangle((0, 0, wide, high), fill=(166, 124, 82))
    for plank in range(0, high, 106):
        draw.line((0, plank, wide, plank), fill=(138, 99, 62), width=4)
    x, y = wide // 2, high // 2
    rings = (
        (360, (245, 240, 230)),
        (330, (222, 212, 198)),
        (305, _colour(random.uniform(0.02, 0.12), 0.7, 0.85)),
    )
    for radius, colour in rings:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    for _ in range(60):
        angle, far, small = (
            random.uniform(0, 6.3),
            270 * math.sqrt(random.random()),
            random.randrange(8, 34),
        )
        px, py = x + far * math.cos(angle), y + far * math.sin(angle)
        colour = _colour(random.choice((0.28, 0.33, 0.08, 0.0)), 0.6, random.uniform(0.55, 0.95))
        draw.ellipse((px - small, py - small * 0.7, px + small, py + small * 0.7), fill=colour)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
