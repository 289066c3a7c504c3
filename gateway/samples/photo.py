"""A photograph that nobody took: hills at dusk, twelve megapixels, the same ones every time."""

from __future__ import annotations

import math
from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageOps

SIZE = (4000, 3000)
_SUN = (2750, 1180)
# From far to near: where a range stands, how high it rises, its colours at crest and foot.
_RANGES = (
    (1480, 110, 3.0, "#b9a5bd", "#dcb9b4"),
    (1640, 150, 4.5, "#8f86ab", "#c0a3b0"),
    (1850, 190, 3.7, "#646a90", "#9a8ba3"),
    (2120, 210, 5.2, "#3f5070", "#6d7590"),
    (2420, 190, 2.6, "#25384f", "#465a6c"),
)


def hills() -> bytes:
    """The picture as a JPEG."""
    random = Random("hills")
    picture = _sky(random)
    for number, (level, rise, waves, crest, foot) in enumerate(_RANGES):
        line = _crest(random, level, rise, waves)
        _paste_range(picture, line, crest, foot)
        if number == len(_RANGES) - 1:
            _plant(picture, random, line)
    out = BytesIO()
    _grain(picture, random).save(out, "JPEG", quality=80, optimize=True, subsampling="4:2:0")
    return out.getvalue()


def _sky(random: Random) -> Image.Image:
    height = ImageOps.flip(Image.linear_gradient("L")).resize(SIZE)
    sky = ImageOps.colorize(height, "#ffd9a0", "#27407a", mid="#d98f92", midpoint=110)
    for reach, colour in ((2600, "#6b3d22"), (900, "#8a5a2c"), (230, "#fff1cf")):
        _shine(sky, reach, colour)
    clouds = _clouds(random)
    sky.paste(Image.new("RGB", SIZE, "#ffe3cf"), mask=clouds)
    return sky


def _shine(sky: Image.Image, reach: int, colour: str) -> None:
    """Adds light around the sun; what reaches least far is its disc."""
    glow = ImageOps.invert(Image.radial_gradient("L")).resize((2 * reach, 2 * reach))
    hard = reach < 500
    strength = glow.point([min(255, max(0, (v - 110) * (40 if hard else 2))) for v in range(256)])
    corner = (_SUN[0] - reach, _SUN[1] - reach)
    box = (*corner, corner[0] + 2 * reach, corner[1] + 2 * reach)
    part = sky.crop(box)
    light = ImageChops.screen(part, Image.new("RGB", part.size, colour))
    sky.paste(light, corner, strength)


def _clouds(random: Random) -> Image.Image:
    """Streaks that thin out towards the top and the horizon."""
    small = (SIZE[0] // 4, SIZE[1] // 4)
    streaks = Image.new("L", small)
    for share, cells in ((0.6, (5, 14)), (0.45, (13, 40)), (0.3, (40, 120))):
        octave = Image.frombytes("L", cells, random.randbytes(cells[0] * cells[1]))
        wide = octave.resize(small, Image.Resampling.BICUBIC)
        streaks = ImageChops.add(streaks, wide.point([round(v * share) for v in range(256)]))
    veil = streaks.point([min(150, max(0, (v - 150) * 3)) for v in range(256)])
    band = [round(255 * math.exp(-(((y - 85) / 45) ** 2))) for y in range(256)]
    thinned = ImageChops.multiply(veil, Image.linear_gradient("L").point(band).resize(small))
    return thinned.resize(SIZE, Image.Resampling.BICUBIC)


def _crest(random: Random, level: int, rise: int, waves: float) -> list[tuple[int, float]]:
    """A range's skyline: a few sines of falling height and rising pitch."""
    phases = [random.uniform(0, 2 * math.pi) for _ in range(7)]
    line = []
    for x in range(0, SIZE[0] + 8, 8):
        t = x / SIZE[0] * waves
        rises = (math.sin(t * 1.9**n + phase) / 1.7**n for n, phase in enumerate(phases))
        line.append((x, level - rise * sum(rises)))
    return line


def _paste_range(
    picture: Image.Image, line: list[tuple[int, float]], crest: str, foot: str
) -> None:
    top = int(min(y for _, y in line))
    depth = SIZE[1] - top
    shape = Image.new("L", (SIZE[0], depth))
    outline = [(x, y - top) for x, y in line]
    ImageDraw.Draw(shape).polygon([(0, depth), *outline, (SIZE[0], depth)], fill=255)
    haze = Image.linear_gradient("L").point([min(255, v * 3) for v in range(256)])
    picture.paste(ImageOps.colorize(haze.resize(shape.size), crest, foot), (0, top), shape)


def _plant(picture: Image.Image, random: Random, line: list[tuple[int, float]]) -> None:
    """Firs on the nearest range, the larger the nearer."""
    draw = ImageDraw.Draw(picture)
    for depth in sorted(random.random() ** 0.7 for _ in range(900)):
        x, crest = line[random.randrange(len(line))]
        y = crest + depth * (SIZE[1] + 60 - crest)
        size = 26 + 120 * depth * random.uniform(0.7, 1.1)
        shade = round(44 - 26 * depth + random.uniform(-5, 5))
        colour = (shade // 2 + 4, shade + 6, shade + 8)
        for tier in range(4):
            foot = y - size * 0.24 * tier
            reach = size * (0.26 - 0.05 * tier)
            draw.polygon([(x - reach, foot), (x, foot - size * 0.42), (x + reach, foot)], colour)


def _grain(picture: Image.Image, random: Random) -> Image.Image:
    """A sensor's noise, without which a picture shrinks as no photograph does."""
    cells = (SIZE[0] // 2, SIZE[1] // 2)
    noise = Image.frombytes("L", cells, random.randbytes(cells[0] * cells[1]))
    soft = noise.resize(SIZE, Image.Resampling.BILINEAR).point([v // 26 for v in range(256)])
    return ImageChops.add(picture, Image.merge("RGB", (soft, soft, soft)), 1, -5)
