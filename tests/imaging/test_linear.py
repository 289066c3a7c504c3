"""Linearised copies: page one in front, equal for equal sources, and nothing else changed."""

from __future__ import annotations

import asyncio
import random
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pikepdf
import pytest
from PIL import Image

from gateway.samples.pdf import Line, Scan, TextPage, scanned_pdf, text_pdf
from imaging.conversions import KEPT, PDF, Conversion
from imaging.engine import convert
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits
from imaging.pdf.linear import HEAD, linearised
from imaging.workers.pool import RenderPool

LINEAR = Conversion()


def letters(pages: int = 20) -> bytes:
    """Pages of uncompressed text: enough for what linearising adds to be little."""
    dice = random.Random(4)
    lines = [
        [Line(50, 800 - 12 * row, "".join(dice.choices("abcdef ", k=80))) for row in range(60)]
        for _ in range(pages)
    ]
    return text_pdf([TextPage(one) for one in lines])


def rewritten(source: bytes, **how) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(source)) as pdf:
        pdf.save(out, **how)
    return out.getvalue()


@pytest.fixture(scope="module")
def letter() -> bytes:
    return letters()


@pytest.fixture(scope="module")
def scans(darkroom) -> bytes:
    noise = [random.Random(n).randbytes(300 * 400) for n in range(5)]
    pictures = [Image.frombytes("L", (300, 400), one) for one in noise]
    return scanned_pdf([Scan(darkroom.file(one), 300, 400) for one in pictures])


def test_the_copy_is_linearised_and_shows_the_same(letter: bytes) -> None:
    made = convert(letter, LINEAR)
    assert made.media_type == PDF
    assert made.engine == f"qpdf-{pikepdf.__libqpdf_version__}"
    assert not made.kept
    assert linearised(made.body[:HEAD], len(made.body))
    with pikepdf.open(BytesIO(made.body)) as copy, pikepdf.open(BytesIO(letter)) as source:
        assert copy.is_linearized
        assert copy.check_linearization()
        assert [page.Contents.read_bytes() for page in copy.pages] == [
            page.Contents.read_bytes() for page in source.pages
        ]


def test_the_first_page_stands_before_the_others(letter: bytes) -> None:
    body = convert(letter, LINEAR).body
    with pikepdf.open(BytesIO(body)) as copy:
        first, last = copy.pages[0].Contents.read_raw_bytes(), copy.pages[-1].Contents
        assert body.index(first) < body.index(last.read_raw_bytes())
    assert body.index(first) + len(first) < len(body) / 5


def test_equal_sources_give_equal_copies(letter: bytes) -> None:
    assert convert(letter, LINEAR) == convert(letter, LINEAR)


def test_pictures_are_not_encoded_anew(scans: bytes) -> None:
    body = convert(scans, LINEAR).body
    with pikepdf.open(BytesIO(scans)) as source:
        for page in source.pages:
            assert page.Resources.XObject.S.read_raw_bytes() in body


def test_a_linearised_source_is_kept(letter: bytes) -> None:
    assert convert(convert(letter, LINEAR).body, LINEAR) == KEPT


def test_a_linearised_source_that_was_written_on_is_linearised_anew(letter: bytes) -> None:
    once = convert(letter, LINEAR).body
    longer = once + b"\n%written on\n" + once[once.rindex(b"startxref") :]
    assert not linearised(longer[:HEAD], len(longer))
    again = convert(longer, LINEAR)
    assert linearised(again.body, len(again.body))


@pytest.mark.parametrize(
    ("head", "size", "holds"),
    [
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n7 0 obj\n<</Linearized 1/L 999/H[1 2]>>", 999, True),
        (b"%PDF-1.4\r7 0 obj<< /L 999 /Linearized 1.0 >>", 999, True),
        (b"%PDF-1.4\n7 0 obj\n<</Linearized 1/L 9990>>", 999, False),
        (b"%PDF-1.4\n7 0 obj\n<</Linearized 1/L 998>>", 999, False),
        (b"%PDF-1.4\n7 0 obj\n<</Linearized 1>>", 999, False),
        (b"%PDF-1.4\n7 0 obj\n<</L 999>>", 999, False),
        (b"junk%PDF-1.4\n7 0 obj\n<</Linearized 1/L 999>>", 999, False),
        (b"%PDF-1.4\n7 0 obj\n<</A 1>> 8 0 obj <</Linearized 1/L 999>>", 999, False),
        (b"%PDF-1.4\n" + b"%" * HEAD + b"7 0 obj\n<</Linearized 1/L 999>>", 999, False),
        (b"", 0, False),
    ],
)
def test_a_file_tells_in_front_whether_it_is_linearised(head, size, holds) -> None:
    assert linearised(head, size) is holds


def test_a_signed_document_is_kept_for_its_signature(letter: bytes) -> None:
    with pikepdf.open(BytesIO(letter)) as pdf:
        signature = pikepdf.Dictionary(Type=pikepdf.Name.Sig, ByteRange=[0, 1, 2, 3])
        field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, V=pdf.make_indirect(signature))
        pdf.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=[pdf.make_indirect(field)])
        out = BytesIO()
        pdf.save(out)
    assert convert(out.getvalue(), LINEAR) == KEPT


def test_what_would_grow_is_kept(darkroom) -> None:
    assert convert(darkroom.pdf((100, 100)), LINEAR) == KEPT


def test_what_a_reader_has_to_mend_is_left_to_the_reader(letter: bytes) -> None:
    assert convert(letter[: letter.rindex(b"startxref")], LINEAR) == KEPT


def test_a_locked_document_is_encrypted(darkroom, letter: bytes) -> None:
    owner = pikepdf.Encryption(owner="o", user="", allow=pikepdf.Permissions(extract=False))
    for locked in (
        darkroom.locked_pdf(),
        rewritten(letter, encryption=pikepdf.Encryption(owner="o", user="u")),
        rewritten(letter, encryption=owner),
    ):
        with pytest.raises(BrokenSource, match="encrypted"):
            convert(locked, LINEAR)


@pytest.mark.parametrize("source", [b"%PDF-1.4\nnothing", b"%PDF-", b"%PDF-1.4\n" + bytes(2000)])
def test_what_only_begins_like_a_pdf_is_damaged(source: bytes) -> None:
    with pytest.raises(BrokenSource, match="damaged"):
        convert(source, LINEAR)


def test_what_is_no_pdf_has_no_linearised_copy(darkroom) -> None:
    with pytest.raises(BrokenSource, match="unsupported"):
        convert(darkroom.tiff(2), LINEAR)


def test_more_pages_than_the_limit_are_refused(darkroom) -> None:
    with pytest.raises(SourceTooLarge, match="pages"):
        convert(darkroom.pdf((9, 9), (9, 9)), LINEAR, Limits(pages=1))


def test_without_the_extra_it_says_what_is_missing(
    letter: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pikepdf", None)
    with pytest.raises(BrokenSource, match="pdf-engine-missing"):
        convert(letter, LINEAR)


def looped(pages: bytes) -> bytes:
    """A PDF whose page tree is what is given."""
    text = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n" + pages
    text += b"\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e6 1e6]>>\nendobj\n"
    return text + b"trailer<</Root 1 0 R/Size 4>>\n%%EOF"


def bomb() -> bytes:
    """A cross-reference stream that unfolds to more than a worker may have."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    end = squeeze.flush()
    rolled = ((1100 << 20) % 65521) << 16 | 1
    packed = b"\x78\xda" + block * 1100 + end + rolled.to_bytes(4, "big")
    head = b"<</Type/XRef/Size 4/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length %d>>" % len(packed)
    body = b"%PDF-1.5\n1 0 obj\n" + head + b"stream\n" + packed + b"\nendstream\nendobj\n"
    return body + b"startxref\n9\n%%EOF"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a tree that holds itself": lambda: looped(b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"),
    "a parent below its child": lambda: looped(b"<</Type/Pages/Kids[3 0 R 1 0 R]/Count 2>>"),
    "billions of pages": lambda: looped(b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>"),
    "one page a hundred thousand times": lambda: looped(
        b"<</Type/Pages/Kids[" + b"3 0 R " * 100_000 + b"]/Count 100000>>"
    ),
    "deep arrays": lambda: looped(b"<</Type/Pages/X " + b"[" * 200_000 + b"/Kids[3 0 R]/Count 1>>"),
    "a bomb": bomb,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("conversion", [LINEAR, Conversion(1)], ids=["linear", "text"])
def test_a_hostile_document_costs_its_own_job_and_no_more(
    kind: str, conversion: Conversion
) -> None:
    source = HOSTILE[kind]()
    good = letters(2)

    async def main() -> None:
        pool = RenderPool(1)
        await pool.start()
        try:
            with suppress(BrokenSource):  # PDFium dies of a bomb, and only its worker with it
                made = await pool.convert(source, conversion)
                assert len(made.body) <= 1.02 * len(source)
            assert b"abc" in (await pool.convert(good, Conversion(2))).body
        finally:
            await pool.aclose()

    asyncio.run(main())
