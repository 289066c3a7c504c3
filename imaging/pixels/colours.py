"""Brings any picture to what browsers show: grey or sRGB, eight bits, with or without alpha."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from itertools import product

from PIL import Image, ImageChops, ImageCms

_SRGB = ImageCms.createProfile("sRGB")
_INDEXED = frozenset({"P", "PA"})
_GREY = frozenset({"L", "LA"})
_LEVELS = range(0, 256, 15)
# Colours from all over the cube, in one row.
_COLOURS = Image.frombytes(
    "RGB",
    (len(_LEVELS) ** 3, 1),
    bytes(level for colour in product(_LEVELS, repeat=3) for level in colour),
)


def resizable(image: Image.Image) -> Image.Image:
    """The picture in a mode whose pixels can be averaged: no palettes, no bits, no colour keys.

    Depths beyond eight bits end here, for averaging overshoots and hides what their range was.
    """
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image)
    if image.mode in _INDEXED:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if "transparency" in image.info and image.mode in ("L", "RGB"):
        return image.convert("LA" if image.mode == "L" else "RGBA")
    return image


def web_ready(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture in L, LA, RGB or RGBA and in sRGB; grey stays grey.

    A profile that is damaged or does not fit the pixels is passed over, as browsers do.
    """
    if image.mode in ("RGBA", "LA"):
        alpha = image.getchannel("A")
        opaque = _in_srgb(image.convert(image.mode[:-1]), profile)
        opaque.putalpha(alpha)
        return opaque
    return _in_srgb(image, profile)


def on_white(image: Image.Image) -> Image.Image:
    """The picture without its alpha, laid on white paper."""
    if image.mode not in ("RGBA", "LA"):
        return image
    paper = Image.new(image.mode[:-1], image.size, "white")
    paper.paste(image.convert(paper.mode), mask=image.getchannel("A"))
    return paper


def greyed(image: Image.Image, slack: int = 0) -> Image.Image:
    """The picture in L when its colours are greys but for `slack` levels, else as it is."""
    if image.mode != "RGB":
        return image
    # Most pictures have colour nearly everywhere: a few pixels tell it.
    few = image.resize((16, 16), Image.Resampling.NEAREST)
    return image.convert("L") if _grey(few, slack) and _grey(image, slack) else image


def _grey(image: Image.Image, slack: int) -> bool:
    red, green, blue = image.split()
    pairs = ((red, green), (green, blue), (blue, red))
    return all(_widest(ImageChops.difference(*pair)) <= slack for pair in pairs)


def _widest(levels: Image.Image) -> int:
    extrema = levels.getextrema()
    return int(extrema[1])  # type: ignore[arg-type]


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    plain = "L" if image.mode in _GREY else "RGB"
    try:
        transform = _transform(image.mode, profile) if profile or image.mode == "LAB" else None
        if transform is not None:
            converted = ImageCms.applyTransform(image, transform)
            return converted.convert(plain) if converted else image.convert(plain)
    except (ImageCms.PyCMSError, OSError, ValueError):
        pass
    return image if image.mode == plain else image.convert(plain)


@lru_cache(maxsize=4)
def _transform(mode: str, profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB, None from sRGB itself, whatever it is called there.

    Working it out takes half as long as using it, and all photographs of a phone bring the same.
    """
    lab = ImageCms.createProfile("LAB") if mode == "LAB" else None
    source = ImageCms.ImageCmsProfile(lab or BytesIO(profile))
    transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB")
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    changed = ImageCms.applyTransform(_COLOURS, transform)
    if changed is None:
        return False
    return all(_widest(band) <= 1 for band in ImageChops.difference(_COLOURS, changed).split())


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit greys by their high octet; other ranges stretched from their darkest to lightest."""
    if image.mode.startswith("I;16"):
        wide = image.convert("I")
        # TIFF keeps the twelve bits of scanners and microscopes as they are, often in sixteen.
        twelve = image.format == "TIFF" and _widest(wide) <= 0xFFF
        return _scaled(wide, 255 / (0xFFF if twelve else 0xFFFF), 0.0)
    extrema = image.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]
    if image.mode == "I" and low >= 0 and high <= 0xFFFF:
        return _scaled(image, 1.0 if high <= 0xFF else 1 / 257, 0.0)
    scale = 255 / (high - low) if high > low else 1.0
    return _scaled(image, scale, -low * scale)


def _scaled(image: Image.Image, scale: float, offset: float) -> Image.Image:
    return image.point(lambda value: value * scale + offset).convert("L")
