"""Pages of a PDF, drawn by the pixels asked for."""

import sys

import pytest
from PIL import Image, ImageChops, ImageStat

from imaging.engine import describe, render
from imaging.errors import BrokenSource, PageMissing, SourceTooLarge
from imaging.limits import LONGEST_SIDE, Limits
from imaging.names.renditions import LARGEST, Rendition, parse_spec
from imaging.rendered import Description

A4 = (595, 842)


def drawn(darkroom, source: bytes, rendition: Rendition):
    return darkroom.opened(render(source, rendition).body)


@pytest.mark.parametrize("width", [160, 333, 640, 2560])
def test_a_page_is_as_wide_as_asked(darkroom, width: int) -> None:
    image = drawn(darkroom, darkroom.pdf(A4), Rendition(width=width))
    assert image.width == width
    assert abs(image.height - width * 842 / 595) <= 1
    assert darkroom.colour(image, 0.2, 0.2)[1] < 40
    assert darkroom.colour(image, 0.8, 0.8) == (255, 255, 255)


def test_a_page_becomes_webp_unless_another_format_is_asked_for(darkroom) -> None:
    source = darkroom.pdf(A4)
    assert render(source, Rendition(width=160)).fingerprint == "webp-q80-m4"
    assert render(source, Rendition(width=160, format="jpeg")).media_type == "image/jpeg"


def test_pages_are_told_apart(darkroom) -> None:
    source = darkroom.pdf((100, 100), (100, 200), (200, 100))
    shapes = [drawn(darkroom, source, Rendition(page=n, width=100)).height for n in (0, 1, 2, 3)]
    assert shapes == [100, 100, 200, 50]


def test_a_page_past_the_end_tells_how_many_there_are(darkroom) -> None:
    with pytest.raises(PageMissing) as missing:
        render(darkroom.pdf(A4, A4), Rendition(page=3, width=160))
    assert missing.value.pages == 2


@pytest.mark.parametrize(
    ("fit", "size"), [("contain", (106, 150)), ("cover", (150, 150)), ("fill", (150, 150))]
)
def test_every_fit(darkroom, fit: str, size: tuple[int, int]) -> None:
    rendition = Rendition(width=150, height=150, fit=fit)
    assert drawn(darkroom, darkroom.pdf(A4), rendition).size == size


@pytest.mark.parametrize(
    ("gravity", "red"), [("no", 0.5), ("so", 0.0), ("fp_500_500", 0.25), ("sm", 0.385)]
)
def test_a_page_is_cropped_where_gravity_says(darkroom, gravity: str, red: float) -> None:
    """Half of the upper half is red: smart gravity wants all of its corner to be seen."""
    rendition = parse_spec(f"w150-h100-cover-g{gravity}-png")
    image = drawn(darkroom, darkroom.pdf(A4), rendition)
    assert image.size == (150, 100)
    share = sum(image.convert("RGB").getchannel("G").histogram()[:128]) / (150 * 100)
    assert share == pytest.approx(red, abs=0.03)


@pytest.mark.parametrize(
    ("box", "size"),
    [(A4, (1190, 1684)), ((1e6, 1e6), (LARGEST, LARGEST)), ((1e8, 1e4), (LONGEST_SIDE, 2))],
)
def test_a_page_of_no_asked_size_has_two_pixels_a_point_within_bounds(darkroom, box, size) -> None:
    assert drawn(darkroom, darkroom.pdf(box), parse_spec("full")).size == size


def test_the_format_of_a_page_s_origin_is_png(darkroom) -> None:
    rendered = render(darkroom.pdf(A4), parse_spec("p1-w160-q60-origin"))
    assert (rendered.media_type, rendered.quality) == ("image/png", 0)


def test_a_page_kilometres_wide_costs_what_is_asked_for(darkroom) -> None:
    assert drawn(darkroom, darkroom.pdf((1e6, 1e6)), Rendition(width=640)).size == (640, 640)


@pytest.mark.parametrize("box", [(1, 1e5), (1e5, 1)])
def test_a_strip_of_a_page_stays_within_what_formats_hold(darkroom, box) -> None:
    image = drawn(darkroom, darkroom.pdf(box), Rendition(width=2560))
    assert max(image.size) <= LONGEST_SIDE


def test_more_pixels_than_the_limit_are_refused(darkroom) -> None:
    with pytest.raises(SourceTooLarge, match="pixels"):
        render(darkroom.pdf(A4), Rendition(width=640), Limits(pixels=100_000))


def test_more_pages_than_the_limit_are_refused(darkroom) -> None:
    with pytest.raises(SourceTooLarge, match="pages"):
        describe(darkroom.pdf(A4, A4, A4), Limits(pages=2))


def test_a_description_has_points_and_pages(darkroom) -> None:
    sizes = ((595, 842), (1e6, 0.5))
    assert describe(darkroom.pdf(*sizes)) == Description("application/pdf", 595, 842, 2, sizes)


@pytest.mark.parametrize("box", [(2e9, 10), (10, 2e9)])
def test_a_later_page_of_impossible_size_has_none(darkroom, box) -> None:
    assert describe(darkroom.pdf(A4, box)).sizes == (A4, (0, 0))


def test_no_more_sizes_are_told_than_the_first_thousand(darkroom) -> None:
    described = describe(darkroom.pdf(*[(10, 20)] * 1_001))
    assert (described.pages, described.sizes) == (1_001, ((10, 20),) * 1_000)


def test_pages_of_a_scan_have_their_sizes(darkroom) -> None:
    assert describe(darkroom.tiff(3)).sizes == ((400, 300), (410, 300), (420, 300))
    assert describe(darkroom.file(darkroom.quarters())).sizes == ()


@pytest.mark.parametrize("ask", [describe, lambda source: render(source, Rendition(width=160))])
def test_a_locked_pdf_is_encrypted(darkroom, ask) -> None:
    with pytest.raises(BrokenSource, match="encrypted"):
        ask(darkroom.locked_pdf())


@pytest.mark.parametrize("source", [b"%PDF-1.4\nnothing", b"%PDF-", b"%PDF-1.4\n" + bytes(2000)])
def test_what_only_begins_like_a_pdf_is_damaged(source: bytes) -> None:
    with pytest.raises(BrokenSource, match="damaged"):
        describe(source)


def test_a_pdf_without_pages_is_damaged(darkroom) -> None:
    with pytest.raises(BrokenSource, match="damaged"):
        describe(darkroom.pdf())


@pytest.mark.parametrize("box", [(2e9, 10), (10, 2e9)])
def test_a_page_of_impossible_size_is_damaged(darkroom, box) -> None:
    with pytest.raises(BrokenSource, match="damaged"):
        render(darkroom.pdf(box), Rendition(width=160))


def test_without_the_extra_a_pdf_says_what_is_missing(
    darkroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(BrokenSource, match="pdf-engine-missing"):
        describe(darkroom.pdf(A4))
    assert describe(darkroom.file(darkroom.quarters())).pages == 1


def scanned(darkroom, size: tuple[int, int]) -> tuple[Image.Image, bytes]:
    """A page of fine rings as a scanner saves it, and the PDF."""
    rings = darkroom.texture(size)
    return rings, darkroom.file(rings, "PDF", quality=95, resolution=300)


@pytest.mark.parametrize("spec", ["w160-png", "w640-png", "h300-png"])
def test_a_scanned_page_is_scaled_with_all_its_pixels(darkroom, spec: str) -> None:
    rings, source = scanned(darkroom, (1500, 2000))
    image = drawn(darkroom, source, parse_spec(spec))
    right = rings.convert("L").resize(image.size, Image.Resampling.LANCZOS)
    unlike = ImageStat.Stat(ImageChops.difference(image.convert("L"), right)).rms
    assert max(unlike) < 6, "PDFium alone leaves out most of them, which makes it up to 39"


def test_a_scanned_page_is_cut_where_it_was_asked_for(darkroom) -> None:
    source = darkroom.file(darkroom.quarters((1200, 1600)), "PDF", quality=95)
    image = drawn(darkroom, source, parse_spec("w200-h100-cover-gno-png"))
    assert image.size == (200, 100)
    assert [darkroom.colour(image, across, 0.9)[0] > 150 for across in (0.2, 0.8)] == [True, False]
    part = drawn(darkroom, source, parse_spec("w200-c500_500_1000_1000-png"))
    assert darkroom.colour(part, 0.05, 0.05)[0] > 200


def test_a_strip_of_a_scan_stays_in_bounds(darkroom) -> None:
    source = darkroom.file(darkroom.texture((100, 12_000)), "PDF", resolution=20)
    image = drawn(darkroom, source, Rendition(width=640))
    assert image.height <= LONGEST_SIDE
