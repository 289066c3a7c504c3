"""RFC 9110 §14 as a table: (Range, size) → the octets that are sent."""

from __future__ import annotations

import pytest

from gateway.wire.ranges import (
    ByteRange,
    Multipart,
    Selection,
    Several,
    Single,
    Unsatisfiable,
    Whole,
    content_range,
    select,
    unsatisfied_range,
)


def one(first: int, last: int) -> Single:
    return Single(ByteRange(first, last))


def several(*bounds: tuple[int, int]) -> Several:
    return Several(tuple(ByteRange(*each) for each in bounds))


WHOLE, NONE = Whole(), Unsatisfiable()

CASES: list[tuple[str, bytes, int, Selection]] = [
    # The RFC's own examples
    ("14.1.2 first 500", b"bytes=0-499", 10_000, one(0, 499)),
    ("14.1.2 second 500", b"bytes=500-999", 10_000, one(500, 999)),
    ("14.1.2 final 500", b"bytes=-500", 10_000, one(9_500, 9_999)),
    ("14.1.2 final 500, open", b"bytes=9500-", 10_000, one(9_500, 9_999)),
    ("14.1.2 first and last", b"bytes=0-0,-1", 10_000, several((0, 0), (9_999, 9_999))),
    (
        "14.1.2 first, middle and last 1000",
        b"bytes= 0-999, 4500-5499, -1000",
        10_000,
        several((0, 999), (4_500, 5_499), (9_000, 9_999)),
    ),
    ("14.1.2 touching", b"bytes=500-600,601-999", 10_000, one(500, 999)),
    ("14.1.2 overlapping", b"bytes=500-700,601-999", 10_000, one(500, 999)),
    # One range
    ("14.1.2 one octet", b"bytes=0-0", 10, one(0, 0)),
    ("14.1.2 last octet", b"bytes=9-9", 10, one(9, 9)),
    ("14.1.2 all", b"bytes=0-", 10, one(0, 9)),
    ("14.1.2 last beyond the end", b"bytes=5-99", 10, one(5, 9)),
    ("14.1.2 suffix longer than all", b"bytes=-99", 10, one(0, 9)),
    ("14.1.2 leading zeros", b"bytes=0001-0002", 10, one(1, 2)),
    ("14.1.2 huge last", b"bytes=1-99999999999999999999999", 10, one(1, 9)),
    ("14.1.2 huge first", b"bytes=99999999999999999999999-", 10, NONE),
    ("14.1.2 huge suffix", b"bytes=-99999999999999999999999", 10, one(0, 9)),
    ("14.1.2 digits without end", b"bytes=0-" + b"9" * 5_000, 10, WHOLE),
    ("14.1.2 unsatisfiable", b"bytes=10-", 10, NONE),
    ("14.1.2 unsatisfiable pair", b"bytes=10-20", 10, NONE),
    ("14.1.2 suffix of nothing", b"bytes=-0", 10, NONE),
    # Malformed or invalid: ignored
    ("14.1.1 reversed", b"bytes=5-4", 10, WHOLE),
    ("14.1.1 reversed beyond the end", b"bytes=50-40", 10, WHOLE),
    ("14.1.1 one reversed spoils all", b"bytes=0-1,5-4", 10, WHOLE),
    ("14.1.1 dash only", b"bytes=-", 10, WHOLE),
    ("14.1.1 nothing", b"bytes=", 10, WHOLE),
    ("14.1.1 commas only", b"bytes=,,", 10, WHOLE),
    ("14.1.1 no equals sign", b"bytes", 10, WHOLE),
    ("14.1.1 empty", b"", 10, WHOLE),
    ("14.1.1 letters", b"bytes=a-b", 10, WHOLE),
    ("14.1.1 sign", b"bytes=+1-2", 10, WHOLE),
    ("14.1.1 double dash", b"bytes=1--2", 10, WHOLE),
    ("14.1.1 three numbers", b"bytes=1-2-3", 10, WHOLE),
    ("14.1.1 hexadecimal", b"bytes=0x0-0x5", 10, WHOLE),
    ("14.1.1 underscore", b"bytes=0-1_0", 10, WHOLE),
    ("14.1.1 other digits", "bytes=0-\u0661".encode(), 10, WHOLE),
    ("14.1.1 line feed at the end", b"bytes=0-1\n", 10, WHOLE),
    # Units
    ("14.1 unknown unit", b"items=0-5", 10, WHOLE),
    ("14.1 unit in capitals", b"Bytes=0-5", 10, one(0, 5)),
    ("14.1 longer unit", b"bytes2=0-5", 10, WHOLE),
    ("14.1 no unit", b"=0-5", 10, WHOLE),
    # White space
    ("5.6.1 around members", b"bytes=0-1 ,\t3-4", 10, several((0, 1), (3, 4))),
    ("5.6.1 around the field", b" bytes=0-1\t", 10, one(0, 1)),
    ("5.6.1 empty members", b"bytes=,0-1,,3-4,", 10, several((0, 1), (3, 4))),
    ("14.1.1 before the equals sign", b"bytes =0-1", 10, WHOLE),
    ("14.1.1 inside a range", b"bytes=0 - 1", 10, WHOLE),
    # Several
    ("14.2 one of two satisfiable", b"bytes=0-1,99-100", 10, one(0, 1)),
    ("14.2 the later satisfiable", b"bytes=99-100,-2", 10, one(8, 9)),
    ("14.2 none of two", b"bytes=99-100,-0", 10, NONE),
    ("15.3.7.2 order kept", b"bytes=8-9,0-1,4-5", 10, several((8, 9), (0, 1), (4, 5))),
    ("15.3.7.2 joined in place", b"bytes=8-9,4-5,0-1,5-6", 10, several((8, 9), (4, 6), (0, 1))),
    ("15.3.7.2 inside another", b"bytes=0-8,2-3", 10, one(0, 8)),
    ("15.3.7.2 twice the same", b"bytes=2-3,2-3", 10, one(2, 3)),
    ("15.3.7.2 all after joining", b"bytes=5-,0-4", 10, one(0, 9)),
    ("17.15 8,000 ranges", b"bytes=" + b",".join([b"0-0"] * 8_000), 10, WHOLE),
    ("17.15 8,000 empty members", b"bytes=0-0" + b"," * 8_000, 10, WHOLE),
    # No octets at all
    ("14.1.2 empty document, open", b"bytes=0-", 0, NONE),
    ("14.1.2 empty document, first", b"bytes=0-0", 0, NONE),
    ("14.1.2 empty document, suffix", b"bytes=-1", 0, WHOLE),
    ("14.1.2 empty document, suffix of nothing", b"bytes=-0", 0, NONE),
]


@pytest.mark.parametrize(
    ("field", "size", "selection"),
    [case[1:] for case in CASES],
    ids=[f"RFC 9110 {case[0]}" for case in CASES],
)
def test_a_range_field_selects(field: bytes, size: int, selection: Selection) -> None:
    assert select(field, size) == selection


def test_content_range_is_written_as_in_section_14_4() -> None:
    assert content_range(ByteRange(42, 1233), 1234) == b"bytes 42-1233/1234"
    assert unsatisfied_range(1234) == b"bytes */1234"


def test_a_multipart_body_is_framed_as_in_section_14_6() -> None:
    multipart = Multipart(
        (ByteRange(500, 999), ByteRange(7000, 7999)), 8000, b"application/pdf", b'"v1"'
    )
    boundary = multipart.boundary
    assert multipart.content_type == b"multipart/byteranges; boundary=" + boundary
    (first, _), (second, _) = multipart.parts
    assert first == (
        b"--" + boundary + b"\r\nContent-Type: application/pdf\r\n"
        b"Content-Range: bytes 500-999/8000\r\n\r\n"
    )
    assert second == (
        b"\r\n--" + boundary + b"\r\nContent-Type: application/pdf\r\n"
        b"Content-Range: bytes 7000-7999/8000\r\n\r\n"
    )
    assert multipart.closing == b"\r\n--" + boundary + b"--\r\n"
