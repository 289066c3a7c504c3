"""A glance tells what page one shows, and what each way to show it weighs."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from gateway.samples.pdf import Line, Scan, TextPage, scanned_pdf, text_pdf
from imaging.encoding.glances import PREDICTED, Glance, glance_of
from imaging.engine import glance, render
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.pdf.linear import linearise, page_end

GLANCE = Glance(
    "application/pdf", "scan", {"avif": 3, "webp": 2, "jpeg": 1}, True, True, 4, 7, 0.5, 9
)


def test_a_picture_has_a_kind_and_a_weight_in_each_format(darkroom) -> None:
    source = darkroom.file(darkroom.quarters((600, 400)))
    seen = glance(source)
    assert (seen.media_type, seen.moves, seen.clear, seen.first) == ("image/jpeg", False, False, 0)
    for form in PREDICTED:
        assert seen.weights[form] == len(render(source, Rendition(width=1280, format=form)).body)


def test_what_one_sees_through_and_what_moves_is_told(darkroom) -> None:
    clear = Image.new("RGBA", (50, 50), (90, 0, 0, 90))
    assert glance(darkroom.file(clear, "PNG")).clear
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue")]
    for form in ("GIF", "WEBP", "PNG"):
        moving = darkroom.file(frames[0], form, save_all=True, append_images=frames[1:])
        assert glance(moving).moves, form
        assert not glance(darkroom.file(frames[0], form)).moves, form


def test_two_colours_are_weighed_with_all_their_pixels(darkroom) -> None:
    page = Image.new("1", (2000, 2800), 1)
    draw = ImageDraw.Draw(page)
    for line in range(90):
        draw.text((100, 30 * line), "the quick brown fox " * 12, fill=0)
    source = darkroom.file(page, "TIFF", compression="group4")
    seen = glance(source)
    assert seen.kind == "bilevel"
    assert seen.weights["webp"] == len(render(source, Rendition(width=1280, format="webp")).body)
    assert seen.weights["jpeg"] > seen.weights["webp"]


def test_a_pdf_of_text_tells_where_its_first_page_would_end() -> None:
    lines = [Line(50, 800 - 12 * row, "a letter of many lines " * 4) for row in range(60)]
    source = text_pdf([TextPage(lines)] * 20)
    seen = glance(source)
    copy = linearise(source, Limits()).body
    assert 0 < seen.first < len(copy) / 2
    assert seen.first == page_end(copy)
    assert glance(copy).first == seen.first, "it is linearised already"
    assert (seen.pages, seen.letters > 1_000) == (20, True)
    assert seen.pictured == 0


def test_a_pdf_of_scans_tells_so(darkroom) -> None:
    paper = darkroom.file(Image.effect_noise((300, 400), 60))
    seen = glance(scanned_pdf([Scan(paper, 300, 400)] * 3))
    assert (seen.letters, seen.pictured) == (0, 1)


def test_what_must_not_be_rewritten_has_no_first_part(darkroom) -> None:
    signed = darkroom.pdf((200, 100)) + b"% /ByteRange [0 1 2 3]"
    assert glance(signed).first == 0


@pytest.mark.parametrize(
    ("head", "end"),
    [
        (b"%PDF-1.5\n1 0 obj\n<< /Linearized 1 /L 90 /E 41 /N 1 >>", 41),
        (b"%PDF-1.5\n1 0 obj\n<< /L 90 /E 41 /N 1 >>", 0),
        (b"%PDF-1.5\n1 0 obj\n<< /Linearized 1 /L 90 >>", 0),
        (b"", 0),
    ],
)
def test_the_end_of_page_one_is_read_from_the_head(head: bytes, end: int) -> None:
    assert page_end(head) == end


@pytest.mark.parametrize("name", ["locked", "cut", "text", "empty"])
def test_what_can_not_be_drawn_is_refused(darkroom, name: str) -> None:
    sources = {
        "locked": darkroom.locked_pdf(),
        "cut": darkroom.file(darkroom.texture((300, 300)))[:2000],
        "text": b"nothing to see",
        "empty": b"",
    }
    with pytest.raises(BrokenSource):
        glance(sources[name])


def test_a_bomb_is_refused_by_its_header() -> None:
    out = BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    with pytest.raises(SourceTooLarge, match="pixels"):
        glance(out.getvalue())


def test_a_glance_survives_being_told() -> None:
    fields = GLANCE.fields
    again = glance_of(lambda name: str(fields[name]), lambda name: int(fields[name]))
    assert again == GLANCE


@pytest.mark.parametrize("change", [{"weights": {"webp": 1}}, {"pictured": 1.5}])
def test_no_glance_tells_nonsense(change: dict[str, object]) -> None:
    fields = {"media_type": "image/png", "kind": "page", "weights": GLANCE.weights, **change}
    with pytest.raises(ValueError, match="a glance"):
        Glance(**fields)
