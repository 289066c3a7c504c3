from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.ranges import (
    MAX_RANGES,
    ByteRange,
    Multipart,
    Selection,
    Several,
    Single,
    Unsatisfiable,
    Whole,
    select,
)

SIZES = st.integers(0, 40)
NUMBERS = st.integers(0, 50).map(str) | st.just("")
SPECS = st.builds("{}-{}".format, NUMBERS, NUMBERS) | st.sampled_from(
    ["", " ", "1", "a-b", "1-2-3"]
)
FIELDS = st.lists(SPECS, max_size=6).map(lambda specs: "bytes=" + ", ".join(specs))


def literal_octets(field: str, size: int) -> list[set[int]] | None:
    """RFC 9110 §14.1.1 word by word: the octets each range-spec selects; None if invalid."""
    asked = []
    for spec in field.removeprefix("bytes=").split(","):
        if not (spec := spec.strip()):
            continue
        first, dash, last = spec.partition("-")
        if not dash or not (first + last).isdigit():
            return None
        if first and last and int(last) < int(first):
            return None
        if first:
            asked.append({at for at in range(size) if int(first) <= at <= int(last or size)})
        else:
            asked.append({at for at in range(size) if at >= size - int(last)})
    return asked or None


def octets(selection: Selection, size: int) -> set[int]:
    match selection:
        case Whole():
            return set(range(size))
        case Single(part):
            return set(range(part.first, part.last + 1))
        case Several(parts):
            return {at for part in parts for at in range(part.first, part.last + 1)}
        case Unsatisfiable():
            return set()


@given(field=FIELDS, size=st.integers(1, 40))
def test_the_octets_are_those_of_a_literal_reading(field: str, size: int) -> None:
    expected = literal_octets(field, size)
    selection = select(field.encode(), size)
    if expected is None:
        assert selection == Whole()
    elif not any(expected):
        assert selection == Unsatisfiable()
    else:
        assert isinstance(selection, Single | Several)
        assert octets(selection, size) == set().union(*expected)


@given(field=FIELDS, size=SIZES)
def test_several_ranges_are_disjoint_apart_and_inside_the_document(field: str, size: int) -> None:
    selection = select(field.encode(), size)
    if isinstance(selection, Several):
        ordered = sorted(selection.ranges)
        assert len(ordered) > 1
        assert ordered[-1].last < size
        assert all(one.last + 1 < two.first for one, two in pairwise(ordered))


@given(field=st.binary(max_size=80), size=SIZES)
def test_no_field_breaks_the_selection(field: bytes, size: int) -> None:
    assert octets(select(b"bytes=" + field, size), size) <= set(range(size))


def test_as_many_ranges_as_allowed_are_served_and_one_more_is_not() -> None:
    members = [b"%d-%d" % (at * 4, at * 4) for at in range(MAX_RANGES + 1)]
    served = select(b"bytes=" + b",".join(members[:-1]), 10_000)
    assert isinstance(served, Several)
    assert len(served.ranges) == MAX_RANGES
    assert select(b"bytes=" + b",".join(members), 10_000) == Whole()


def test_the_bound_on_ranges_can_be_set() -> None:
    assert select(b"bytes=0-0,4-4", 10, max_ranges=1) == Whole()
    assert select(b"bytes=0-0", 10, max_ranges=1) == Single(ByteRange(0, 0))


@pytest.mark.parametrize(("first", "last"), [(-1, 0), (2, 1), (0, -1)])
def test_an_impossible_range_can_not_be_built(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="byte range"):
        ByteRange(first, last)


@given(
    bounds=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=8),
    media_type=st.sampled_from([b"image/png", b"text/plain; charset=utf-8"]),
)
def test_the_content_length_is_that_of_the_body_sent(
    bounds: list[tuple[int, int]], media_type: bytes
) -> None:
    document = bytes(range(100))
    ranges = tuple(ByteRange(min(pair), max(pair)) for pair in bounds)
    multipart = Multipart(ranges, len(document), media_type, b'"v1"')
    body = b"".join(
        preamble + document[part.first : part.last + 1] for preamble, part in multipart.parts
    )
    assert len(body + multipart.closing) == multipart.length


def test_equal_requests_have_equal_boundaries_and_other_versions_others() -> None:
    ranges = (ByteRange(0, 1), ByteRange(4, 5))
    first, again, other = (Multipart(ranges, 9, b"a/b", tag) for tag in (b'"1"', b'"1"', b'"2"'))
    assert first.boundary == again.boundary != other.boundary
    assert first.boundary.isascii()
    assert len(first.boundary) <= 70
