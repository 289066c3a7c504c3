from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.dispositions import LONGEST_NAME, content_disposition, safe_name

FIELD = re.compile(
    rb'(?P<type>inline|attachment); filename="(?P<plain>[\x20\x21\x23-\x5b\x5d-\x7e]+)"'
    rb"(?:; filename\*=UTF-8''(?P<extended>(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+))?"
)


def saved_as(field: bytes) -> str:
    """The name a reader of RFC 6266 §4.3 takes: filename* before filename."""
    match = FIELD.fullmatch(field)
    assert match is not None, field
    if match["extended"] is not None:
        return unquote_to_bytes(match["extended"]).decode()
    return match["plain"].decode()


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("scans/2026/a.pdf", "a.pdf"),
        ("..\\..\\evil.pdf", "evil.pdf"),
        ("/etc/passwd", "passwd"),
        ("../..", "document"),
        ("", "document"),
        (" . ", "document"),
        ("dir/", "document"),
        (".bashrc", "bashrc"),
        ("a.pdf. ", "a.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("a\x00b\x7fc\x85.pdf", "abc.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\ud800b.pdf", "ab.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        ('say "hi".pdf', 'say "hi".pdf'),
        ("100%41.pdf", "100%41.pdf"),
    ],
)
def test_a_name_is_one_safe_segment(filename: str, name: str) -> None:
    assert safe_name(filename) == name
    assert saved_as(content_disposition("attachment", filename)) == name


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("ä" * 300 + ".pdf", "ä" * 98 + ".pdf"),
        ("ä" * 300 + ".jpeg", "ä" * 97 + ".jpeg"),
        ("ä" * 150, "ä" * 100),
        ("b" * 300, "b" * LONGEST_NAME),
        ("c." + "d" * 300, "c." + "d" * (LONGEST_NAME - 2)),
        ("e" * 195 + " f.pdf.", "e" * 195 + ".pdf"),
    ],
)
def test_a_long_name_is_cut_between_letters_and_before_its_extension(
    filename: str, name: str
) -> None:
    assert safe_name(filename) == name


@given(st.text(max_size=400), st.sampled_from(["inline", "attachment"]))
def test_any_name_makes_a_field_that_reads_back(filename: str, disposition: str) -> None:
    kind = "inline" if disposition == "inline" else "attachment"
    field = content_disposition(kind, filename)
    assert field.startswith(kind.encode() + b"; ")
    name = saved_as(field)
    assert name == safe_name(filename) == safe_name(name)
    assert 0 < len(name.encode()) <= LONGEST_NAME
    assert "/" not in name
    assert "\\" not in name
