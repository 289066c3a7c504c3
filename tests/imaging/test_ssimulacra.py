"""The measure scores as the published one does, and only pictures that can be compared."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFilter

from imaging.encoding.ssimulacra import SMALLEST, Reference


def scene(size: tuple[int, int] = (300, 240)) -> Image.Image:
    """Shading, edges, colours and fine strokes, the same each time."""
    image = Image.merge(
        "RGB",
        (
            Image.linear_gradient("L").resize(size),
            Image.radial_gradient("L").resize(size),
            Image.linear_gradient("L").rotate(90).resize(size),
        ),
    )
    draw = ImageDraw.Draw(image)
    for n in range(0, size[0], 9):
        draw.line((n, 0, size[0] - n, size[1]), fill=(n % 256, 40, 200 - n % 200))
    draw.ellipse((20, 20, 90, 110), fill="gold", outline="black")
    return image


def encoded(image: Image.Image, quality: int) -> Image.Image:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=0)
    return Image.open(out).convert("RGB")


def test_nothing_scores_above_what_is_the_same() -> None:
    image = scene()
    reference = Reference(image)
    assert reference.score(image) == 100.0
    assert reference.score(image.filter(ImageFilter.BoxBlur(1))) < 90


def test_a_lower_quality_never_scores_higher() -> None:
    image = scene()
    reference = Reference(image)
    scores = [reference.score(encoded(image, quality)) for quality in (15, 40, 70, 95)]
    assert scores == sorted(scores)
    assert scores[0] < 50
    assert scores[-1] > 80


@pytest.mark.parametrize("size", [(300, 240), (257, 301)])
@pytest.mark.parametrize("quality", [70, 90])
def test_it_scores_as_the_package_of_that_name(tmp_path, size, quality: int) -> None:
    """That one mirrors across edges, as the first implementation does not: so far they differ."""
    package = pytest.importorskip("ssimulacra2", reason="the other implementation")
    image = scene(size)
    other = encoded(image, quality)
    image.save(tmp_path / "image.png")
    other.save(tmp_path / "other.png")
    theirs = package.compute_ssimulacra2(tmp_path / "image.png", tmp_path / "other.png")
    assert Reference(image).score(other) == pytest.approx(theirs, abs=2.0)


def test_it_scores_as_it_was_compared() -> None:
    """The package's figures for these pictures, with nothing beyond their edges."""
    image = scene()
    blurred = image.filter(ImageFilter.BoxBlur(1))
    greyed = image.convert("L").convert("RGB")
    scores = [Reference(image).score(other) for other in (blurred, greyed)]
    assert scores == pytest.approx([15.83, -47.22], abs=0.05)


def test_grey_is_scored_as_the_colour_that_it_is() -> None:
    grey = scene().convert("L")
    blurred = grey.filter(ImageFilter.BoxBlur(1))
    in_colours = Reference(grey.convert("RGB")).score(blurred.convert("RGB"))
    assert Reference(grey).score(blurred) == in_colours


def test_pictures_of_two_sizes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        Reference(scene()).score(scene((300, 241)))


def test_the_smallest_can_be_scored() -> None:
    image = scene((SMALLEST, SMALLEST))
    assert Reference(image).score(image.filter(ImageFilter.BoxBlur(1))) < 90
    with pytest.raises(ValueError, match="so small"):
        Reference(scene((SMALLEST, SMALLEST - 1)))
