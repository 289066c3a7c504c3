from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.preconditions import Preconditions, Validators, Verdict, evaluate, parse_date

ETAGC = [0x21, *range(0x23, 0x7F), *range(0x80, 0x100)]
OPAQUE = st.lists(st.sampled_from(ETAGC), max_size=12).map(lambda tag: b'"' + bytes(tag) + b'"')
INSTANTS = st.integers(0, 4_102_444_799)


@pytest.mark.parametrize(
    "etag", [b"", b"v1", b'W/"v1"', b'"a"b"', b'"a b"', b'"a\r\nb"', b'"v1"\n']
)
def test_only_a_strong_entity_tag_can_be_a_validator(etag: bytes) -> None:
    with pytest.raises(ValueError, match="strong"):
        Validators(etag, 0)


@given(tags=st.lists(OPAQUE, min_size=1, max_size=6), data=st.data())
def test_a_tag_is_found_wherever_it_stands_in_a_list(
    tags: list[bytes], data: st.DataObject
) -> None:
    wanted = data.draw(st.sampled_from(tags))
    marks = data.draw(st.lists(st.sampled_from([b"", b"W/"]), min_size=6, max_size=6))
    field = b", ".join(mark + tag for mark, tag in zip(marks, tags, strict=False))
    asked = Preconditions(if_none_match=field)
    assert evaluate("GET", asked, Validators(wanted, 0)) is Verdict.NOT_MODIFIED


@given(tags=st.lists(OPAQUE, max_size=6), other=OPAQUE)
def test_a_tag_that_is_not_in_the_list_is_not_found(tags: list[bytes], other: bytes) -> None:
    if other not in tags:
        asked = Preconditions(if_match=b",".join(tags))
        assert evaluate("GET", asked, Validators(other, 0)) is Verdict.FAILED


@given(field=st.binary(max_size=60), method=st.sampled_from(["GET", "HEAD"]))
def test_no_field_breaks_the_evaluation(field: bytes, method: str) -> None:
    validators = Validators(b'"a-tag-longer-than-any-field-that-is-drawn-in-this-test-of-mine"', 0)
    asked = Preconditions(field, field, field, field, field)
    assert evaluate(method, asked, validators) in (Verdict.FAILED, Verdict.NOT_MODIFIED)


def test_long_broken_lists_cost_no_more_than_their_length() -> None:
    broken = Preconditions(if_none_match=b'"a"' + b" , " * 5_000 + b'"b', if_match=b"*")
    assert evaluate("GET", broken, Validators(b'"a"', 0)) is Verdict.PROCEED


@given(seconds=INSTANTS)
def test_the_date_that_is_sent_is_read_back(seconds: int) -> None:
    assert parse_date(formatdate(seconds, usegmt=True).encode(), 0) == seconds


@given(modified=INSTANTS, since=INSTANTS)
def test_the_two_date_conditions_are_each_others_opposite(modified: int, since: int) -> None:
    field = formatdate(since, usegmt=True).encode()
    validators = Validators(b'"v1"', modified)
    if_modified = evaluate("GET", Preconditions(if_modified_since=field), validators)
    if_unmodified = evaluate("GET", Preconditions(if_unmodified_since=field), validators)
    assert (if_modified is Verdict.PROCEED) == (modified > since)
    assert (if_unmodified is Verdict.FAILED) == (modified > since)
