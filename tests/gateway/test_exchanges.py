"""Exchanges: of a request's fields only those that may change its answer are looked at."""

from __future__ import annotations

from gateway.exchanges import UNCONDITIONAL, Exchange
from gateway.telemetry import Record

FORGED = [(b"x-forwarded-host", b"evil.test"), (b"origin", b"a=b"), (b"host", b"evil.test")]


def _exchange(*fields: tuple[bytes, bytes], method: str = "GET") -> Exchange:
    return Exchange(Record("0" * 16, method), fields)


def test_what_may_not_change_an_answer_is_not_kept() -> None:
    exchange = _exchange(*FORGED, (b"range", b"bytes=0-1"))
    assert exchange.fields == {b"range": b"bytes=0-1"}
    assert exchange.field(b"origin") == b""


def test_a_plain_request_has_no_preconditions() -> None:
    request = _exchange(*FORGED, (b"accept", b"image/avif")).request()
    assert request.preconditions is UNCONDITIONAL
    assert (request.head, request.range, request.accept) == (False, b"", "image/avif")


def test_each_precondition_stands_in_its_place() -> None:
    request = _exchange(
        (b"if-match", b'"1"'),
        (b"if-none-match", b'"2"'),
        (b"if-unmodified-since", b"3"),
        (b"if-modified-since", b"4"),
        (b"if-range", b'"5"'),
        method="HEAD",
    ).request()
    conditions = request.preconditions
    assert request.head
    assert (conditions.if_match, conditions.if_none_match) == (b'"1"', b'"2"')
    assert (conditions.if_unmodified_since, conditions.if_modified_since) == (b"3", b"4")
    assert conditions.if_range == b'"5"'


def test_an_empty_precondition_is_not_an_absent_one() -> None:
    assert _exchange((b"if-match", b"")).request().preconditions.if_match == b""


def test_several_fields_of_one_name_are_one_list() -> None:
    exchange = _exchange((b"if-none-match", b'"1"'), (b"if-none-match", b'"2"'))
    assert exchange.request().preconditions.if_none_match == b'"1", "2"'


def test_octets_beyond_ascii_break_nothing() -> None:
    assert _exchange((b"accept", b"\xff\xfe")).request().accept == "\xff\xfe"
