"""A file's type is what its first octets prove."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.media import sniff


def brand(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"II*\0rest", "image/tiff"),
        (b"MM\0*rest", "image/tiff"),
        (b"MM\0+rest", "image/tiff"),
        (b"BM" + bytes(12) + (40).to_bytes(4, "little"), "image/bmp"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
        (brand(b"avif"), "image/avif"),
        (brand(b"mif1", b"mif1", b"avif"), "image/avif"),
        (brand(b"heic"), "image/heic"),
        (brand(b"mif1", b"mif1", b"heic"), "image/heic"),
        (brand(b"mif1", b"mif1"), "image/heif"),
        (brand(b"isom", b"mp42"), "video/mp4"),
        (brand(b"qt  "), "video/quicktime"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\xef\xbb\xbfjunk before\n%PDF-1.4", "application/pdf"),
        (bytes(128) + b"DICM\2\0", "application/dicom"),
        (b"PK\x03\x04", "application/zip"),
        (b"{\\rtf1", "application/rtf"),
        (b"\n <!DOCTYPE  HTML>", "text/html"),
        (b"<!-- a --><script>", "text/html"),
        (b"<svg xmlns=", "image/svg+xml"),
        (b'<?xml version="1.0"?><svg>', "image/svg+xml"),
        (b'<?xml version="1.0"?><note>', "text/xml"),
    ],
)
def test_a_signature_tells_the_type(head: bytes, media_type: str) -> None:
    assert sniff(head) == media_type


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain text",
        b"BM is how this letter begins, it is no bitmap",
        b"RIFF\0\0\0\0NOPE",
        b"<!-- never closed <html>",
        b"<svgs>",
        bytes(1024) + b"%PDF-1.4",
        bytes(127) + b"DICM",
    ],
)
def test_what_proves_nothing_has_no_type(head: bytes) -> None:
    assert sniff(head) == ""


def test_a_dicom_file_that_could_be_a_tiff_too_is_dicom() -> None:
    assert sniff(b"II*\0" + bytes(124) + b"DICM") == "application/dicom"


def test_only_the_head_is_looked_at() -> None:
    assert sniff(b'<?xml version="1.0"?>' + b" " * 5000 + b"<svg>") == "text/xml"


@given(st.binary(max_size=300))
def test_any_octets_have_a_type_or_none(head: bytes) -> None:
    assert isinstance(sniff(head), str)
