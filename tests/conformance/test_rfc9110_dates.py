"""RFC 9110 §5.6.7: the three forms of HTTP-date, and what is none of them."""

from __future__ import annotations

import pytest

from gateway.wire.preconditions import parse_date

NEAR = 784_111_777

VALID = [
    ("IMF-fixdate", b"Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
    ("rfc850-date", b"Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
    ("asctime-date", b"Sun Nov  6 08:49:37 1994", 784_111_777),
    ("asctime-date two digits", b"Wed Nov 16 08:49:37 1994", 784_975_777),
    ("leap second", b"Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ("leap day", b"Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800),
    ("before 1970", b"Wed, 31 Dec 1969 23:59:59 GMT", -1),
    ("spaces around", b" Sun, 06 Nov 1994 08:49:37 GMT\t", 784_111_777),
    ("rfc850 50 years ahead", b"Sunday, 06-Nov-44 08:49:37 GMT", 2_362_034_977),
    ("rfc850 more than 50 years ahead", b"Tuesday, 06-Nov-45 08:49:37 GMT", -762_189_023),
]

INVALID = [
    ("empty", b""),
    ("zero", b"0"),
    ("seconds", b"784111777"),
    ("ISO 8601", b"1994-11-06T08:49:37Z"),
    ("one-digit day", b"Sun, 6 Nov 1994 08:49:37 GMT"),
    ("other zone", b"Sun, 06 Nov 1994 08:49:37 +0000"),
    ("UTC", b"Sun, 06 Nov 1994 08:49:37 UTC"),
    ("no zone", b"Sun, 06 Nov 1994 08:49:37"),
    ("no day name", b"06 Nov 1994 08:49:37 GMT"),
    ("case", b"sun, 06 nov 1994 08:49:37 gmt"),
    ("day 31 of a short month", b"Wed, 31 Nov 1994 08:49:37 GMT"),
    ("29 February of a short year", b"Sun, 29 Feb 2026 08:49:37 GMT"),
    ("day 0", b"Sun, 00 Nov 1994 08:49:37 GMT"),
    ("year 0", b"Sun, 06 Nov 0000 08:49:37 GMT"),
    ("hour 24", b"Sun, 06 Nov 1994 24:00:00 GMT"),
    ("minute 60", b"Sun, 06 Nov 1994 08:60:37 GMT"),
    ("second 61", b"Sun, 06 Nov 1994 08:49:61 GMT"),
    ("trailing text", b"Sun, 06 Nov 1994 08:49:37 GMT; length=4"),
    ("two dates", b"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"),
    ("not ASCII", b"Sun, 06 Nov 1994 08:49:3\xb3 GMT"),
]


@pytest.mark.parametrize(
    ("field", "seconds"),
    [case[1:] for case in VALID],
    ids=[f"RFC 9110 5.6.7 {case[0]}" for case in VALID],
)
def test_a_valid_date_is_read(field: bytes, seconds: int) -> None:
    assert parse_date(field, NEAR) == seconds


@pytest.mark.parametrize(
    "field", [case[1] for case in INVALID], ids=[f"RFC 9110 5.6.7 {case[0]}" for case in INVALID]
)
def test_anything_else_is_no_date(field: bytes) -> None:
    assert parse_date(field, NEAR) is None
