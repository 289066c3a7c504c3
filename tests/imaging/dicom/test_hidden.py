"""What a redaction hides of a frame is hidden in its values, not only in its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from imaging.engine import render
from imaging.names.areas import Area
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import Rendition, parse_spec

HIDDEN = Area(213, 187, 601, 655)
SIZE = (240, 200)


def hiding(spec: str, *boxes: Box) -> Rendition:
    redaction = Redaction("face", 1, boxes or (Box(HIDDEN),))
    return replace(parse_spec(spec), redaction=redaction)


def words(scanner, secret: Sequence[int]) -> bytes:
    """A ramp of twelve bits with other values in the hidden area."""
    left, top, right, bottom = HIDDEN.covering(SIZE)
    return scanner.words(
        *(
            secret[(x * y) % len(secret)]
            if left <= x < right and top <= y < bottom
            else 400 + 2 * x + y
            for y in range(SIZE[1])
            for x in range(SIZE[0])
        )
    )


@pytest.mark.parametrize(
    "elements",
    [{}, {"PhotometricInterpretation": "MONOCHROME1"}, {"PixelSpacing": [2.0, 1.0]},
     {"WindowCenter": 700, "WindowWidth": 600}],
    ids=["by percentiles", "inverted", "oblong pixels", "a window"],
)  # fmt: skip
def test_no_value_under_a_box_decides_how_the_others_are_shown(
    scanner, elements: dict[str, object]
) -> None:
    files = [
        scanner.file(words(scanner, secret), SIZE, 16, BitsStored=12, HighBit=11, **elements)
        for secret in ((500, 501), (0, 4095, 17, 3000))
    ]
    for spec in ("w160-webp", "w240-png", "w120-c100_100_700_700-png", "p1-full-png"):
        first, second = (render(file, hiding(spec)) for file in files)
        assert first == second, spec


def test_a_frame_has_the_boxes_of_its_page(scanner, darkroom) -> None:
    frames = bytes([90]) * (SIZE[0] * SIZE[1]) + bytes([200]) * (SIZE[0] * SIZE[1])
    source = scanner.file(frames, SIZE, NumberOfFrames=2)
    boxes = Box(Area(0, 0, 500, 500), page=2, white=True), Box(Area(0, 0, 250, 250))
    for page, left in ((1, 90), (2, 255)):
        shown = darkroom.opened(render(source, hiding(f"p{page}-full-png", *boxes)).body)
        assert darkroom.colour(shown, 0.1, 0.1)[0] == 0
        assert darkroom.colour(shown, 0.4, 0.4)[0] == left


def test_the_notice_stays_on_a_frame_that_is_hidden_whole(scanner, darkroom) -> None:
    source = scanner.file(bytes([90]) * (SIZE[0] * SIZE[1]), SIZE)
    shown = darkroom.opened(render(source, hiding("full-png", Box(Area()))).body)
    extrema = shown.convert("L").getextrema()
    assert extrema == (0, 255), "white letters on black"


def test_blocks_of_a_compressed_frame_are_hidden_whole(scanner, darkroom) -> None:
    files = []
    for secret in ("black", "white"):
        picture = darkroom.texture(SIZE, "L")
        picture.paste(secret, HIDDEN.covering(SIZE))
        coded = [darkroom.file(picture, "JPEG", quality=40)]
        files.append(scanner.file(coded, SIZE, 8, "1.2.840.10008.1.2.4.50"))
    for spec in ("w160-png", "w240-png"):
        first, second = (render(file, hiding(spec)) for file in files)
        assert first == second, spec
