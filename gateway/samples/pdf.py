"""PDF files from their objects (ISO 32000-1 §7.5): pages of text, and pages that are pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_A4_POINTS = "595.28 841.89"


@dataclass(frozen=True, slots=True)
class Scan:
    """A page as a grey JPEG of that many pixels."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """Text at a place in points from the page's lower left; "/B" is bold, "/R" is not."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "/R"


@dataclass(frozen=True, slots=True)
class TextPage:
    """Lines of text, and filled boxes (x, y, width, height, grey from 0 to 1)."""

    lines: Sequence[Line]
    boxes: Sequence[tuple[float, float, float, float, float]] = ()


def scanned_pdf(scans: Sequence[Scan]) -> bytes:
    """Each page is one picture that fills it."""
    objects: list[bytes] = []
    pages: list[tuple[bytes, bytes]] = []
    for number, scan in enumerate(scans):
        head = (
            f"<</Type/XObject/Subtype/Image/Width {scan.width}/Height {scan.height}"
            "/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode"
        )
        objects.append(_stream(head, scan.jpeg))
        resources = f"<</XObject<</S {3 + number} 0 R>>>>".encode()
        pages.append((resources, b"q 595.28 0 0 841.89 0 0 cm /S Do Q"))
    return _document(objects, pages)


def text_pdf(texts: Sequence[TextPage]) -> bytes:
    """Pages of text in the fonts that every reader has (§9.6.2.2)."""
    fonts = [
        f"<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>".encode()
        for name in ("Helvetica", "Helvetica-Bold")
    ]
    resources = b"<</Font<</R 3 0 R/B 4 0 R>>>>"
    return _document(fonts, [(resources, _content(page)) for page in texts])


def _content(page: TextPage) -> bytes:
    boxes = [
        f"{grey:g} g {x:g} {y:g} {width:g} {height:g} re f"
        for x, y, width, height, grey in page.boxes
    ]
    lines = [
        f"BT {line.font} {line.size:g} Tf {line.x:g} {line.y:g} Td ({_escaped(line.text)}) Tj ET"
        for line in page.lines
    ]
    return "\n".join([*boxes, "0.1 g", *lines]).encode("cp1252")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _document(shared: Sequence[bytes], pages: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Catalogue, page tree, the shared objects from number 3 on, then page and content pairs."""
    first = 3 + len(shared)
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]/MediaBox[0 0 {_A4_POINTS}]>>".encode(),
        *shared,
    ]
    for number, (resources, content) in enumerate(pages):
        contents = f"/Contents {first + 2 * number + 1} 0 R>>".encode()
        objects.append(b"<</Type/Page/Parent 2 0 R/Resources" + resources + contents)
        objects.append(_stream("<<", content))
    return _assembled(objects)


def _stream(head: str, body: bytes) -> bytes:
    return f"{head}/Length {len(body)}>>\nstream\n".encode() + body + b"\nendstream"


def _assembled(objects: Sequence[bytes]) -> bytes:
    """Header, numbered objects, cross-reference table, trailer; entries are 20 octets (§7.5.4)."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    table = [b"0000000000 65535 f \n"]
    for number, body in enumerate(objects, 1):
        table.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start, size = len(out), len(table)
    out += b"xref\n0 %d\n" % size + b"".join(table)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)
