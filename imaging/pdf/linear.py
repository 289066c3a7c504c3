"""Linearised PDF (ISO 32000-1 annex F): page one stands in front, so that ranges can show it.

Made by qpdf when the extra `pdf` is installed: objects change places, nothing is decoded that may
stay as it is, and equal sources give equal octets.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from imaging.conversions import KEPT, PDF, Converted
from imaging.errors import BrokenSource, SourceTooLarge
from imaging.limits import Limits

if TYPE_CHECKING:
    from pikepdf import Pdf

HEAD = 1024
"""Octets in which a linearised file says so."""

_FIRST_OBJECT = re.compile(rb"%PDF-[^>]{1,512}?\bobj\s*<<([^>]*)>>")
_LENGTH = re.compile(rb"/L\s+([0-9]{1,12})(?![0-9.])")
_PAGE_END = re.compile(rb"/E\s+([0-9]{1,12})(?![0-9.])")
# A signature covers ranges of the very file: moving an object would break it.
_SIGNATURE = b"/ByteRange"
_HEAVIER = 1.02


def linearised(head: bytes, size: int) -> bool:
    """Whether a file that begins like this and has `size` octets is linearised.

    One that was written on since is not: the length it states is that of before (§F.3.3).
    """
    found = _FIRST_OBJECT.match(head[:HEAD])
    if found is None or b"/Linearized" not in found[1]:
        return False
    length = _LENGTH.search(found[1])
    return length is not None and int(length[1]) == size


def page_end(head: bytes) -> int:
    """Where page one ends in a linearised file that begins like this (§F.3.3), in octets.

    0 where the file does not say so.
    """
    found = _FIRST_OBJECT.match(head[:HEAD])
    end = _PAGE_END.search(found[1]) if found and b"/Linearized" in found[1] else None
    return int(end[1]) if end else 0


def linearise(source: bytes, limits: Limits) -> Converted:
    """The linearised copy of a PDF, or `KEPT`.

    A source is kept that is linearised, is signed, that qpdf would have to mend (a reader may
    mend it better), or that would grow by more than a fiftieth.
    """
    if linearised(source[:HEAD], len(source)) or _SIGNATURE in source:
        return KEPT
    with _opened(source) as pdf:
        if len(pdf.pages) > limits.pages:
            raise SourceTooLarge("pages")
        body = b"" if pdf.get_warnings() else _rewritten(pdf)
        mended = not body or pdf.get_warnings()
    return KEPT if mended or len(body) > _HEAVIER * len(source) else Converted(body, PDF, _maker())


def _rewritten(pdf: Pdf) -> bytes:
    from pikepdf import StreamDecodeLevel

    out = BytesIO()
    pdf.save(
        out,
        linearize=True,
        deterministic_id=True,
        fix_metadata_version=False,
        stream_decode_level=StreamDecodeLevel.none,
    )
    return out.getvalue()


@contextmanager
def _opened(source: bytes) -> Generator[Pdf]:
    try:
        import pikepdf
    except ImportError:
        raise BrokenSource("pdf-engine-missing") from None
    try:
        with pikepdf.open(BytesIO(source), suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                # Also without a password to open it: a copy would lift what its owner forbids.
                raise BrokenSource("encrypted")
            yield pdf
    except pikepdf.PasswordError:
        raise BrokenSource("encrypted") from None


def _maker() -> str:
    import pikepdf

    return f"qpdf-{pikepdf.__libqpdf_version__}"
