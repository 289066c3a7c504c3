"""Cookies: what is sent back is found by its whole name, whatever else a browser sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.companions.cookies import MOST, Cookie

OURS = Cookie("__Secure-ours", "/d/")


@pytest.mark.parametrize(
    ("sent", "values"),
    [
        (b"", []),
        (b"__Secure-ours=a", ["a"]),
        (b"x=y; __Secure-ours=a; z", ["a"]),
        (b"__Secure-ours=a;__Secure-ours=b", ["a", "b"]),
        (b"__Secure-ours=a, __Secure-ours=b", ["a", "b"]),
        (b"__Secure-ours=a=b", ["a=b"]),
        (b"__Secure-ours", [""]),
        (b"__Secure-ours-2=a; x__Secure-ours=a; __secure-ours=a", []),
        (b"  __Secure-ours=a  ", ["a"]),
        (b"__Secure-ours=\xff", ["\xff"]),
    ],
)
def test_values_are_those_of_the_name_alone(sent: bytes, values: list[str]) -> None:
    assert OURS.values(sent) == values


def test_only_so_many_are_looked_at() -> None:
    assert len(OURS.values(b"; ".join([b"__Secure-ours=a"] * 100))) == MOST


@given(st.binary(max_size=200))
def test_anything_may_be_sent(sent: bytes) -> None:
    assert all(isinstance(value, str) for value in OURS.values(sent))


@pytest.mark.parametrize("embedded", [True, False])
def test_what_is_kept_ends_the_other_kind(embedded: bool) -> None:
    (_, other), (_, kept) = OURS.keep("a", 60, embedded=embedded)
    assert kept.startswith(b"__Secure-ours=a; Max-Age=60; Path=/d/; Secure; HttpOnly; SameSite=")
    assert b"Max-Age=0" in other
    assert (b"Partitioned" in kept, b"Partitioned" in other) == (embedded, not embedded)
