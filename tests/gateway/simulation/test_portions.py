"""Portions: the lines of a log, however they are cut."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.simulation.portions import LONGEST, OVERLONG, Portion, gathered, pieces, portions

LONG = b"y" * (LONGEST + 1)


def lines(octets: bytes, size: int) -> list[str]:
    return [one for piece in pieces(io.BytesIO(octets), size) for one in Portion(piece).lines()]


@pytest.mark.parametrize("size", [1, 7, 1 << 16, 1 << 20])
def test_lines_are_cut_where_they_end_and_long_ones_left_out(size: int) -> None:
    text = b"one\n \n\n" + 3 * LONG + b"\n" + b"z" * LONGEST + b"\ntwo\xff\r\n"
    assert lines(text, size) == ["one", OVERLONG, "z" * LONGEST, "two\ufffd\r"]


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_long_line_of_wide_characters_is_long_wherever_it_is_cut(size: int) -> None:
    assert lines("ä".encode() * (LONGEST // 2 + 1), size) == [OVERLONG]
    assert lines("ä".encode() * (LONGEST // 2), size) == ["ä" * (LONGEST // 2)]


def test_what_is_held_of_a_long_line_is_bounded() -> None:
    [piece] = pieces(io.BytesIO(40 * LONG), LONGEST)
    assert len(piece) == LONGEST + 2


TEXTS = st.lists(st.sampled_from([b"a", b"b b", b"\n", b"\n\n", b"\xc3", b"#F", b" ", b"\r"]))


@given(TEXTS, st.integers(1, 9), st.integers(1, 9))
def test_cutting_and_gathering_change_no_line(words: list[bytes], size: int, together: int) -> None:
    text = b"".join(words)
    whole = [line.decode("utf-8", "replace") for line in text.split(b"\n") if line.strip()]
    assert lines(text, size) == whole
    joined = gathered(pieces(io.BytesIO(text), size), together)
    assert [one for piece in joined for one in Portion(piece).lines()] == whole


def test_a_portion_knows_the_last_heading_before_it() -> None:
    found = portions([b"#F one\nx\n#F two\n", b"y\n", b"z\n#F " + LONG + b"\n", b"y\n"], "#F")
    assert [portion.heading for portion in found] == ["", "#F two", "#F two", "#F two"]
    assert [portion.heading for portion in portions([b"#F one\n", b"y\n"], "")] == ["", ""]


def test_a_heading_stands_at_the_begin_of_a_line() -> None:
    _, last = portions([b"x #F one\n\n#F\xff\n", b"y\n"], "#F")
    assert last.heading == "#F\ufffd"
