"""Specimens: the smallest file of each kind that the engine opens, made here.

Rendering each of them once makes every decoder and encoder load what it loads on first use.
"""

from __future__ import annotations

import struct
from base64 import b85decode
from collections.abc import Callable, Mapping
from functools import partial
from io import BytesIO
from types import MappingProxyType
from zlib import decompress

from PIL import Image

from imaging.media import DICOM

_SIZE = (16, 16)
# A red square of 64 by 64 pixels. No encoder of HEIC may be there to make it.
_HEIC = (
    r"c-muNV30{GsVvAy%}izhg51nBLl8SRGck>UfiWyMwIq=N0u(b+a*CjAhJwuG5(YG&l$nzcHpIn&fe{FSfUycf1A!"
    r"zED`#frrGa@MQBfc#l?lqrC`&d3G5HEIOLE~#u4NV!6#(h&nFY!DK)M2`%$boHBs2l6NbUo}pT9qTFfi~lCjfOwI"
    r"56@s{{IhBzzkBs3_^0dm>d#;lG;v;jA$|o6dGBlz4Fvtm&YW<!vPXH0U|gYl7Q;jT^J7*ZBTLmS|gmCpHq~VoKpc"
    r"5=4D`O01Am@78j&K{pJA00tJ~BnIHjX4i2Dc4C0vuxv<~^h6qa|6Eh1aBy&>|L7^wA!ML79;!mZ;>;JzZ{qF~e=k"
    r"T~YHvj-7X-NG"
)


def _picture(format: str, mode: str = "RGB", **options: str) -> bytes:
    out = BytesIO()
    Image.new(mode, _SIZE, 1).save(out, format, **options)
    return out.getvalue()


def _pdf() -> bytes:
    """One page, one letter in a font that is nowhere; readers find the objects by themselves."""
    text = b"BT /F 9 Tf 1 1 Td (a) Tj ET"
    return (
        b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 16 16]/Contents 4 0 R"
        b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Nowhere>>>>>>>>endobj\n"
        b"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"
        b"trailer<</Root 1 0 R/Size 5>>\n%%%%EOF" % (len(text), text)
    )


def _locked_pdf() -> bytes:
    """The same that anybody may open, though it is encrypted: qpdf asks for randomness there.

    Without the extra `pdf` nothing asks, and it is not locked.
    """
    try:
        from pikepdf import Encryption, Pdf
    except ImportError:
        return _pdf()
    out = BytesIO()
    with Pdf.open(BytesIO(_pdf())) as document:
        document.save(out, encryption=Encryption(owner="o", user=""))
    return out.getvalue()


def _dicom() -> bytes:
    """A black frame, wide enough for a notice to be put on it (PS3.10 §7, PS3.3 C.7.6.3)."""
    rows, columns = 120, 200
    shape = [
        _element(0x0028, 0x0002, b"US", _word(1)),
        _element(0x0028, 0x0004, b"CS", b"MONOCHROME2 "),
        _element(0x0028, 0x0010, b"US", _word(rows)),
        _element(0x0028, 0x0011, b"US", _word(columns)),
        _element(0x0028, 0x0100, b"US", _word(8)),
        _element(0x0028, 0x0101, b"US", _word(8)),
        _element(0x0028, 0x0102, b"US", _word(7)),
        _element(0x0028, 0x0103, b"US", _word(0)),
    ]
    syntax = _element(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1\0")
    pixels = struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OB", rows * columns) + bytes(rows * columns)
    return bytes(128) + b"DICM" + syntax + b"".join(shape) + pixels


def _word(value: int) -> bytes:
    return struct.pack("<H", value)


def _element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


SPECIMENS: Mapping[str, tuple[Callable[[], bytes], ...]] = MappingProxyType(
    {
        "image/jpeg": (partial(_picture, "JPEG"), partial(_picture, "JPEG", "CMYK")),
        "image/png": (partial(_picture, "PNG"), partial(_picture, "PNG", "I;16")),
        "image/webp": (partial(_picture, "WEBP"),),
        "image/avif": (partial(_picture, "AVIF"),),
        "image/gif": (partial(_picture, "GIF", "P"),),
        "image/bmp": (partial(_picture, "BMP"),),
        "image/jp2": (partial(_picture, "JPEG2000"),),
        "image/tiff": tuple(
            partial(_picture, "TIFF", mode, compression=compression)
            for mode, compression in (("RGB", "raw"), ("RGB", "tiff_lzw"), ("1", "group4"))
        ),
        "image/heic": (lambda: decompress(b85decode(_HEIC)),),
        "application/pdf": (_pdf, _locked_pdf),
        DICOM: (_dicom,),
    }
)
"""Makers of specimens by media type; the kinds of HEIF are one format."""
