"""What a picture will weigh is told nearly right by parts of it."""

from __future__ import annotations

from random import Random
from string import ascii_letters

import pytest
from PIL import Image, ImageDraw

from imaging.encoding.glances import PREDICTED
from imaging.encoding.samples import predicted
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind
from imaging.pixels.scaled import Scaled


def written_page() -> Image.Image:
    """Lines of text with margins, and a lower third that is empty."""
    page = Image.new("L", (1280, 1800), "white")
    draw = ImageDraw.Draw(page)
    letters = Random(7)
    for line in range(60):
        draw.text((120, 100 + 18 * line), "".join(letters.choices(ascii_letters, k=150)), fill=0)
    page.paste(255, (1160, 0, 1280, 1800))
    return page


def pictures(darkroom) -> dict[str, Scaled]:
    noise = Image.effect_noise((1000, 1400), 60)
    return {
        "page": Scaled(written_page(), Kind.PAGE, "webp"),
        "photo": Scaled(darkroom.texture((1280, 960), "RGB"), Kind.PHOTO, "jpeg"),
        "noise": Scaled(noise, Kind.SCAN, "webp"),
        "strip": Scaled(Image.effect_noise((6000, 90), 60), Kind.SCAN, "webp"),
    }


@pytest.mark.parametrize("name", ["page", "photo", "noise", "strip"])
def test_the_octets_are_predicted_within_a_third(darkroom, name: str) -> None:
    scaled = pictures(darkroom)[name]
    for form, octets in predicted(scaled, PREDICTED):
        real = len(scaled.encoded(Rendition(width=1280, format=form)).body)
        assert 2 / 3 < octets / real < 3 / 2, form


def test_a_small_picture_is_not_guessed(darkroom) -> None:
    scaled = Scaled(darkroom.quarters((200, 150)), Kind.PHOTO, "jpeg")
    [(_, octets)] = predicted(scaled, ["jpeg"])
    assert octets == len(scaled.encoded(Rendition(width=200, format="jpeg")).body)
