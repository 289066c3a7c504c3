"""Heads: what can be sent as it is, and nothing that could break out of its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.heads import EMPTY, Head, joined

FIELDS = ((b"etag", b'"a"'), (b"content-type", b"text/plain"), (b"x", b""))


def test_the_octets_are_the_field_lines() -> None:
    assert Head(FIELDS).octets == b'etag: "a"\r\ncontent-type: text/plain\r\nx: \r\n'
    assert EMPTY.octets == b""


@given(st.lists(st.tuples(st.just(b"name"), st.binary(max_size=20))))
def test_no_value_ends_its_line(fields: list[tuple[bytes, bytes]]) -> None:
    try:
        head = Head(tuple(fields))
    except ValueError:
        assert any(octet < 32 or octet == 127 for _, value in fields for octet in value)
    else:
        assert head.octets.count(b"\n") == head.octets.count(b"\r") == len(fields)
        assert head.octets == joined(fields)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\r", b"A", b"\xc3\xa4"])
def test_a_name_is_a_lower_case_token(name: bytes) -> None:
    with pytest.raises(ValueError, match="no such field"):
        Head(((name, b"x"),))


def test_a_field_can_be_left_out() -> None:
    assert Head(FIELDS).without(b"content-type").fields == (FIELDS[0], FIELDS[2])
