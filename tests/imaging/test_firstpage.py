"""Page one of a PDF is told to be text or the scan of a page by what can be seen of it."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.pdf.firstpage import first_page

pikepdf = pytest.importorskip("pikepdf")

WORDS = b"BT %d Tr /F 20 Tf 100 %d Td (twenty letters are it) Tj ET\n"
SEEN, UNSEEN = 0, 3
PICTURE = b"q %d 0 0 %d %d %d cm /P Do Q\n"
WHOLE = PICTURE % (600, 800, 0, 0)


def page_of(content: bytes, box: tuple[int, int, int, int] = (0, 0, 600, 800)) -> bytes:
    """A PDF whose one page draws that; /F is a font, /P a picture, /X a form with the picture."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(600, 800))
    page.mediabox = list(box)
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
    )
    picture = pikepdf.Stream(pdf, _jpeg())
    picture.update(_PICTURE)
    within = {"/XObject": {"/P": picture}}
    form = pikepdf.Stream(pdf, b"q 1 0 0 1 0 0 cm /P Do Q")
    form.update(
        pikepdf.Dictionary(
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Form,
            BBox=[0, 0, 1, 1],
            Resources=pikepdf.Dictionary(within),
        )
    )
    page.Resources = pikepdf.Dictionary(
        {"/Font": {"/F": font}, "/XObject": {"/P": picture, "/X": form}}
    )
    page.Contents = pikepdf.Stream(pdf, content)
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


_PICTURE = pikepdf.Dictionary(
    Type=pikepdf.Name.XObject,
    Subtype=pikepdf.Name.Image,
    Width=8,
    Height=8,
    ColorSpace=pikepdf.Name.DeviceGray,
    BitsPerComponent=8,
    Filter=pikepdf.Name.DCTDecode,
)


def _jpeg() -> bytes:
    out = BytesIO()
    Image.new("L", (8, 8), 90).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "letters", "pictured"),
    [
        (b"", 0, 0),
        (WORDS % (SEEN, 400), 21, 0),
        (WORDS % (UNSEEN, 400), 0, 0),
        (WHOLE, 0, 1),
        (WHOLE + WORDS % (SEEN, 400), 21, 1),
        (WORDS % (SEEN, 400) + WHOLE, 0, 1),  # hidden below what was scanned
        (PICTURE % (600, 400, 0, 400) + WORDS % (SEEN, 100), 21, 0.5),
        (WORDS % (SEEN, 100) + PICTURE % (600, 400, 0, 400), 21, 0.5),
        # A scan in strips.
        (b"".join(PICTURE % (600, 100, 0, 100 * strip) for strip in range(8)), 0, 1),
        (PICTURE % (5000, 5000, -900, -900), 0, 1),
        (PICTURE % (10, 10, 300, 300), 0, 0),
        # In a form of its own.
        (b"q 600 0 0 400 0 0 cm /X Do Q", 0, 0.5),
        # On its side.
        (b"q 0 800 -600 0 600 0 cm /P Do Q", 0, 1),
    ],
)
def test_letters_and_pictures_are_counted_as_they_are_seen(
    content: bytes, letters: int, pictured: float
) -> None:
    found = first_page(page_of(content), Limits())
    assert found.letters == letters
    assert found.pictured == pytest.approx(pictured, abs=0.01)


def test_a_page_may_begin_anywhere() -> None:
    content = PICTURE % (600, 800, -300, -400) + WORDS % (SEEN, 0)
    found = first_page(page_of(content, (-300, -400, 300, 400)), Limits())
    assert found == (21, 1, 1)
    outside = first_page(page_of(WORDS % (SEEN, 900)), Limits())
    assert outside.letters == 0


def test_a_page_that_has_very_many_objects_is_counted_in_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("imaging.pdf.firstpage._MOST_OBJECTS", 3)
    content = b"".join(WORDS % (SEEN, 700 - 20 * line) for line in range(9))
    assert first_page(page_of(content), Limits()).letters == 3 * 21


def test_a_locked_document_is_refused(darkroom) -> None:
    with pytest.raises(BrokenSource, match="encrypted"):
        first_page(darkroom.locked_pdf(), Limits())
