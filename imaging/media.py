"""Recognises a media type by a file's first bytes (WHATWG MIME Sniffing §6, and the formats'
own specifications where that is silent)."""

from __future__ import annotations

import re

HEAD = 4096
"""No more than this many octets are looked at."""

HEIF = frozenset(f"image/{kind}" for kind in ("heic", "heif", "heic-sequence", "heif-sequence"))
PICTURES = HEIF | {f"image/{kind}" for kind in ("jpeg", "png", "webp", "avif", "gif", "bmp", "jp2")}
"""What renditions are made of and has no pages."""

DICOM = "application/dicom"
PAGED = frozenset({"application/pdf", "image/tiff", DICOM})
"""What renditions are made of page by page; the frames of DICOM are its pages."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS\0", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ", "application/x-dosexec"),
)

_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"mif1": "image/heif",
    b"msf1": "image/heif-sequence",
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
}

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}

_BMP_HEADERS = frozenset({12, 40, 52, 56, 108, 124})

_MARKUP = re.compile(
    rb"<(?:(!doctype\s+html|html|head|body|script|iframe)\b|(svg)\b|(\?xml)\b)", re.I
)
_SVG_INSIDE = re.compile(rb"<svg[\s>]", re.I)


def sniff(head: bytes) -> str:
    """The media type that the first octets prove, or "" when they prove none."""
    head = bytes(head[:HEAD])
    # DICOM first: its preamble may be a TIFF header on purpose (PS3.10 §7.1).
    if head[128:132] == b"DICM":
        return DICOM
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    return _boxed(head) or _placed(head) or _markup(head)


def _boxed(head: bytes) -> str:
    """RIFF and ISO base media files, whose brand says what they hold (ISO/IEC 14496-12 §4.3)."""
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], "")
    if head[4:8] != b"ftyp":
        return ""
    major, size = head[8:12], int.from_bytes(head[:4], "big")
    compatible = {head[at : at + 4] for at in range(16, min(size, len(head)) - 3, 4)}
    # HEIF's general brand says nothing of the codec; the compatible brands do.
    if major in (b"mif1", b"msf1"):
        known = [brand for brand in (b"avif", b"avis", b"heic", b"heix") if brand in compatible]
        major = known[0] if known else major
    return _BRANDS.get(major, "video/mp4")


def _placed(head: bytes) -> str:
    """Formats whose signature does not prove enough, or stands behind other bytes."""
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    # Two letters prove little: BMP's header size must fit as well.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    return ""


def _markup(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\t\n\f\r ")
    while text.startswith(b"<!--") and (end := text.find(b"-->")) > 0:
        text = text[end + 3 :].lstrip(b"\t\n\f\r ")
    found = _MARKUP.match(text)
    if found is None:
        return ""
    if found[1]:
        return "text/html"
    return "image/svg+xml" if found[2] or _SVG_INSIDE.search(text) else "text/xml"
