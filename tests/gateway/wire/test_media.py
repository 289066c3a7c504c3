from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.media import UNKNOWN, MediaType, delivery_type
from imaging.media import sniff

PDF = b"%PDF-1.7\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
ZIP = b"PK\x03\x04" + b"\0" * 20
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 20
DICOM = b"\0" * 128 + b"DICM"
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
XML = b'<?xml version="1.0"?><a/>'


def delivered(stored_type: str, key: str, head: bytes) -> MediaType:
    return delivery_type(stored_type, key, head, sniff(head))


@pytest.mark.parametrize(
    ("stored", "key", "head", "text"),
    [
        ("image/png", "a.png", PNG, b"image/png"),
        ("", "a", PNG, b"image/png"),
        ("text/html", "a.html", PNG, b"image/png"),
        ("image/jpeg", "a.jpg", b"\xff\xd8\xff\xe0", b"image/jpeg"),
        ("image/tiff", "a.tif", b"II*\0", b"image/tiff"),
        ("video/mp4", "a.mp4", MP4, b"video/mp4"),
        ("audio/mpeg", "a.mp3", b"ID3\x04", b"audio/mpeg"),
        ("text/plain", "a.txt", b"hello\n", b"text/plain; charset=utf-8"),
        ("text/plain; charset=latin1", "a.txt", "é".encode(), b"text/plain; charset=utf-8"),
        ("TEXT/Plain", "a", b"hello", b"text/plain; charset=utf-8"),
        ("text/plain", "a.csv", b"a,b\n", b"text/csv; charset=utf-8"),
        ("", "a.md", b"# a", b"text/markdown; charset=utf-8"),
        ("application/octet-stream", "a.JSON", b"{}", b"application/json"),
        ("binary/octet-stream", "x/a.tsv", b"a\tb", b"text/tab-separated-values; charset=utf-8"),
        ("text/plain", "a.txt", b"", b"text/plain; charset=utf-8"),
        ("text/plain", "a.txt", b"caf\xe9 au lait", b"text/plain"),
        ("text/plain", "a.txt", "é".encode()[:1], b"text/plain; charset=utf-8"),
    ],
)
def test_what_browsers_only_show_may_be_shown(
    stored: str, key: str, head: bytes, text: bytes
) -> None:
    assert delivered(stored, key, head) == MediaType(text, inline=True)


def test_a_pdf_is_shown_and_known_as_one() -> None:
    assert delivered("", "a", PDF) == MediaType(b"application/pdf", inline=True, pdf=True)


@pytest.mark.parametrize(
    ("key", "head", "text"),
    [
        ("a.dcm", DICOM, b"application/dicom"),
        ("a.zip", ZIP, b"application/zip"),
        (
            "a.docx",
            ZIP,
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("a.doc", OLE, b"application/msword"),
        ("a.rtf", b"{\\rtf1", b"application/rtf"),
    ],
)
def test_what_browsers_can_not_show_is_saved_under_its_type(
    key: str, head: bytes, text: bytes
) -> None:
    assert delivered("", key, head) == MediaType(text, inline=False)


@pytest.mark.parametrize(
    ("stored", "key", "head"),
    [
        ("text/html", "a.html", HTML),
        ("text/plain", "a.txt", HTML),
        ("image/png", "a.png", HTML),
        ("image/svg+xml", "a.svg", SVG),
        ("text/xml", "a.xml", XML),
        ("application/json", "a.json", XML),
        ("text/html", "a.html", b"no tag in sight"),
        ("text/html", "a.txt", b"hello"),
        ("image/svg+xml", "a.svg", b"hello"),
        ("application/javascript", "a.js", b"alert(1)"),
        ("image/png", "a.png", b"not a picture"),
        ("application/pdf", "a.pdf", b"not a PDF"),
        ("", "a.pdf", b"hello"),
        ("", "a.unknown", b"hello"),
        ("", "txt", b"hello"),
        ("text/plain", "a.txt", b"a\0b"),
        ("application/json", "a.json", b"caf\xe9 au lait"),
        ("", "a.jar", ZIP),
        ("", "a.zip", OLE),
        ("", "a.exe", b"MZ\x90\0"),
        ("", "a.ps", b"%!PS-Adobe-3.0"),
    ],
)
def test_what_browsers_run_or_the_bytes_do_not_prove_is_saved_without_a_type(
    stored: str, key: str, head: bytes
) -> None:
    assert delivered(stored, key, head) == UNKNOWN


@given(
    stored=st.text(max_size=30) | st.sampled_from(["text/html", "image/svg+xml", "text/plain"]),
    key=st.text(max_size=20) | st.sampled_from(["a.html", "a.svg", "a.txt", "a.xhtml"]),
    head=st.binary(max_size=64) | st.sampled_from([HTML, SVG, XML, b"hello"]),
    sniffed=st.text(max_size=20) | st.sampled_from(["", "text/html", "image/svg+xml", "text/xml"]),
)
def test_no_input_makes_a_type_that_runs(stored: str, key: str, head: bytes, sniffed: str) -> None:
    media = delivery_type(stored, key, head, sniffed)
    assert not {b"html", b"xml", b"svg", b"script"} & set(
        media.text.replace(b"+", b"/").split(b"/")
    )
    assert media.text.isascii()
    assert b"\n" not in media.text
