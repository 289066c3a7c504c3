"""Stamps: marks as they are drawn on a finished picture, to be seen on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from math import atan2, ceil, cos, degrees, hypot, radians, sin
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageStat

from imaging.errors import MarkBroken
from imaging.marking.marks import Mark
from imaging.pixels.colours import greyed, on_white

Size = tuple[int, int]

# Letters are no smaller, in pixels, but where they would not fit, and then not below the least.
_SMALLEST, _LEAST = 10.0, 6.0
_STEEPEST = radians(32)
# From one mark to the next along its line, and from line to line, in shares of its length. The
# lines of a long text still are close enough that no half of a picture is without one.
_ALONG, _ACROSS, _FURTHEST = 1.35, 0.5, 0.28
# What lies around the ink is weaker than it.
_AROUND = 0.7
# A grid of so many pixels tells where the ground is dark.
_GRID, _DARK = 8, 116


class Stamp(NamedTuple):
    """Where ink goes, and where its opposite goes around it, as masks of one size.

    `ink` has a logo's own colours, `around` the tone of its edge; without ink the stamp is dark
    on light and light on dark, whatever the ground is at each place.
    """

    fill: Image.Image
    edge: Image.Image
    ink: Image.Image | None = None
    around: int = 0


class Stamping(NamedTuple):
    """A stamp, and the corners to which it is put in a picture of one size."""

    stamp: Stamp
    corners: tuple[tuple[int, int], ...]

    def on(self, image: Image.Image) -> Image.Image:
        """The picture (L, LA, RGB or RGBA) with its mark; a coloured logo gives it colours."""
        ink = self.stamp.ink
        coloured = ink is not None and ink.mode == "RGB" and image.mode in ("L", "LA")
        picture = image.convert("RGBA" if image.mode == "LA" else "RGB") if coloured else image
        picture = picture.copy()
        for left, top in self.corners:
            _press(picture, self.stamp, left, top)
        return picture


def marked(images: Sequence[Image.Image], mark: Mark) -> list[Image.Image]:
    """Pictures of one size with the mark on each, or as they are for no mark.

    Raises `MarkBroken`.
    """
    if not mark.name:
        return list(images)
    stamp = stamping(images[0].size, mark)
    return [stamp.on(image) for image in images]


def stamping(size: Size, mark: Mark) -> Stamping:
    """How the mark is drawn on pictures of that size. Raises `MarkBroken`."""
    if not mark.drawable:
        raise MarkBroken("undrawn")
    return _of_image(size, mark) if mark.image else _of_text(size, mark)


def _of_text(size: Size, mark: Mark) -> Stamping:
    angle = 0.0 if mark.place == "corner" else min(_STEEPEST, atan2(size[1], size[0]))
    letters = _letters(size, mark)
    stamp, length = _written(mark, letters, angle)
    if mark.place != "tiled":
        return Stamping(stamp, (_alone(size, stamp.fill.size, mark),))
    reach = hypot(*size)
    steps = length * _ALONG, max(3 * letters, min(length * _ACROSS, reach * _FURTHEST))
    return Stamping(stamp, tuple(_lattice(size, stamp.fill.size, steps, angle)))


def _letters(size: Size, mark: Mark) -> float:
    """The size of the font: as large as asked for, while a line fits into the height."""
    unit = ImageFont.load_default(100).getlength(mark.text) / 100
    letters = max(_SMALLEST, min(mark.size * size[0] / unit, size[1] / 4))
    most = size[1] / 2 if mark.place == "tiled" else min(size[1] / 2, 0.94 * size[0] / unit)
    return max(_LEAST, min(letters, most))


def _written(mark: Mark, letters: float, angle: float) -> tuple[Stamp, float]:
    """The text as a stamp, turned by the angle, and its length."""
    font, stroke = ImageFont.load_default(letters), max(1.0, letters / 22)
    left, top, right, bottom = font.getbbox(mark.text, stroke_width=stroke)
    paper = ceil(right - left) + 4, ceil(bottom - top) + 4
    fill, edge = Image.new("L", paper), Image.new("L", paper)
    at = (2 - left, 2 - top)
    ImageDraw.Draw(fill).text(at, mark.text, 255, font)
    ImageDraw.Draw(edge).text(at, mark.text, 255, font, stroke_width=stroke)
    return _stamp(_turned(fill, angle), _turned(edge, angle), mark.opacity), right - left


def _turned(mask: Image.Image, angle: float) -> Image.Image:
    if not angle:
        return mask
    return mask.rotate(degrees(angle), Image.Resampling.BICUBIC, expand=True)


def _stamp(fill: Image.Image, edge: Image.Image, opacity: float) -> Stamp:
    """`edge` is all that ink and edge cover together."""
    around = ImageChops.subtract(edge, fill)
    return Stamp(_weaker(fill, opacity), _weaker(around, opacity * _AROUND))


def _weaker(mask: Image.Image, share: float) -> Image.Image:
    return mask.point([round(value * share) for value in range(256)])


def _of_image(size: Size, mark: Mark) -> Stamping:
    logo = _logo(mark.image)
    share = min(mark.size * size[0] / logo.width, size[1] / logo.height)
    sides = max(1, round(logo.width * share)), max(1, round(logo.height * share))
    ink, alpha = _spread(logo.resize(sides, Image.Resampling.LANCZOS))
    # A glow of the opposite tone, three pixels wide on a logo of a hundred.
    wide = ImageChops.add(alpha, alpha.filter(ImageFilter.GaussianBlur(_glow(sides))), 0.5)
    masks = _stamp(alpha, wide, mark.opacity)
    lightness = ImageStat.Stat(ink.convert("L"), alpha).mean[0] if alpha.getbbox() else 0.0
    stamp = masks._replace(ink=ink, around=0 if lightness > 127 else 255)
    if mark.place != "tiled":
        return Stamping(stamp, (_alone(size, alpha.size, mark),))
    steps = 1.6 * alpha.width, 1.6 * alpha.height
    return Stamping(stamp, tuple(_lattice(size, alpha.size, steps, 0.0)))


def _logo(octets: bytes) -> Image.Image:
    """The image in RGBA; whatever is wrong with it is the installation's fault, no document's."""
    try:
        with Image.open(BytesIO(octets), formats=("PNG", "WEBP")) as image:
            return image.convert("RGBA")
    except Exception:
        raise MarkBroken("image") from None


def _glow(sides: Size) -> float:
    return max(1.0, max(sides) / 70)


def _spread(logo: Image.Image) -> tuple[Image.Image, Image.Image]:
    """Its colours, grey where there are none, and its alpha, with room for a glow around."""
    room = ceil(3 * _glow(logo.size))
    paper = Image.new("RGBA", (logo.width + 2 * room, logo.height + 2 * room))
    paper.paste(logo, (room, room))
    return greyed(paper.convert("RGB")), paper.getchannel("A")


def _alone(size: Size, stamp: Size, mark: Mark) -> tuple[int, int]:
    """In the middle, or in the upper right corner: notices stand at the lower edge."""
    if mark.place == "centre":
        return (size[0] - stamp[0]) // 2, (size[1] - stamp[1]) // 2
    margin = max(1, min(size) // 50)
    return size[0] - stamp[0] - margin, margin


def _lattice(
    size: Size, stamp: Size, steps: tuple[float, float], angle: float
) -> Iterator[tuple[int, int]]:
    """Corners all over the picture, along lines of that angle, each second line half a step on."""
    (width, height), (along, across) = size, steps
    reach = hypot(width, height) / 2
    rows, columns = ceil(reach / across) + 1, ceil(reach / along) + 2
    for row in range(-rows, rows + 1):
        for column in range(-columns, columns + 1):
            on, down = (column + row % 2 / 2) * along, row * across
            left = round((width - stamp[0]) / 2 + on * cos(angle) + down * sin(angle))
            top = round((height - stamp[1]) / 2 - on * sin(angle) + down * cos(angle))
            if -stamp[0] < left < width and -stamp[1] < top < height:
                yield left, top


def _press(picture: Image.Image, stamp: Stamp, left: int, top: int) -> None:
    """Put the stamp into the picture, as much of it as lies inside."""
    width, height = stamp.fill.size
    inside = (
        max(left, 0),
        max(top, 0),
        min(left + width, picture.width),
        min(top + height, picture.height),
    )
    part = picture.crop(inside)
    inner = (inside[0] - left, inside[1] - top, inside[2] - left, inside[3] - top)
    if stamp.ink is None:
        ink = _against(part)
        around = ImageChops.invert(ink)
    else:
        ink = stamp.ink.crop(inner)
        around = Image.new("L", part.size, stamp.around)
    part = _inked(part, around, stamp.edge.crop(inner))
    picture.paste(_inked(part, ink, stamp.fill.crop(inner)), inside)


def _inked(part: Image.Image, ink: Image.Image, mask: Image.Image) -> Image.Image:
    if part.mode in ("LA", "RGBA"):
        over = ink.convert("RGBA")
        over.putalpha(mask)
        return Image.alpha_composite(part.convert("RGBA"), over).convert(part.mode)
    part.paste(ink.convert(part.mode), mask=mask)
    return part


def _against(part: Image.Image) -> Image.Image:
    """White where the ground is dark, black where it is light, with soft changes between."""
    grey = on_white(part).convert("L")
    grid = max(1, grey.width // _GRID), max(1, grey.height // _GRID)
    ground = grey.resize(grid, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(2))
    tones = ground.point([255 if value < _DARK else 0 for value in range(256)])
    return tones.resize(grey.size, Image.Resampling.BILINEAR)
