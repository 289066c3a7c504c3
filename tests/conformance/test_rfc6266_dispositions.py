"""RFC 6266 and RFC 8187: the field's exact octets for names of every kind."""

from __future__ import annotations

import pytest

from gateway.wire.dispositions import content_disposition

CASES = [
    ("RFC 6266 4.1 plain", "report.pdf", b'filename="report.pdf"'),
    ("RFC 6266 4.1 spaces", "report 7 (a).pdf", b'filename="report 7 (a).pdf"'),
    ("RFC 6266 4.1 semicolon", "a;b=c.pdf", b'filename="a;b=c.pdf"'),
    (
        "RFC 6266 D quotes",
        'a"b.pdf',
        b"filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf",
    ),
    (
        "RFC 6266 D percent",
        "100%41.pdf",
        b"filename=\"100_41.pdf\"; filename*=UTF-8''100%2541.pdf",
    ),
    ("RFC 6266 4.3 path", "../a/b.pdf", b'filename="b.pdf"'),
    ("RFC 6266 4.3 path of Windows", "C:\\a\\b.pdf", b'filename="b.pdf"'),
    (
        "RFC 8187 3.2.3 euro",
        "\u20ac rates",
        b"filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates",
    ),
    (
        "RFC 8187 3.2 accents",
        "\u00dcbersicht.pdf",
        b"filename=\"Ubersicht.pdf\"; filename*=UTF-8''%C3%9Cbersicht.pdf",
    ),
    (
        "RFC 8187 3.2 no letter of ASCII",
        "\u8a3a\u65ad.pdf",
        b"filename=\"document.pdf\"; filename*=UTF-8''%E8%A8%BA%E6%96%AD.pdf",
    ),
    (
        "RFC 8187 3.2.1 attr-char",
        "\u00e9!#$&+-.^_`|~'()*.x",
        b"filename=\"e!#$&+-.^_`_~'()_.x\"; filename*=UTF-8''%C3%A9!#$&+-.^_`|~%27%28%29%2A.x",
    ),
    (
        "RFC 9110 5.5 line ends",
        "a\r\nb: c.pdf",
        b"filename=\"ab_ c.pdf\"; filename*=UTF-8''ab%3A%20c.pdf",
    ),
]


@pytest.mark.parametrize(
    ("filename", "parameters"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_name_is_written_so_that_every_reader_takes_it(filename: str, parameters: bytes) -> None:
    assert content_disposition("inline", filename) == b"inline; " + parameters
    assert content_disposition("attachment", filename) == b"attachment; " + parameters
