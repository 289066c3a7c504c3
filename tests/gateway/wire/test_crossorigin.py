"""A page of any origin may ask, and is told by name what it may send."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.crossorigin import OPEN, preflight

USUAL = b"authorization, apikey, content-type, range, x-client-info"


def test_the_answer_is_for_any_origin_and_says_what_it_depends_on() -> None:
    fields = dict(preflight(b"apikey", b"GET, POST"))
    assert fields == {
        **dict(OPEN),
        b"access-control-allow-methods": b"GET, POST",
        b"access-control-allow-headers": b"apikey",
        b"access-control-max-age": b"86400",
        b"vary": b"Access-Control-Request-Headers",
    }
    assert fields[b"access-control-allow-origin"] == b"*"
    assert b"access-control-allow-credentials" not in fields


@pytest.mark.parametrize(
    "asked", [b"authorization", b"authorization,apikey", b"authorization, x-y\t,x-upsert"]
)
def test_names_that_are_names_are_given_back(asked: bytes) -> None:
    assert dict(preflight(asked, b"GET"))[b"access-control-allow-headers"] == asked


@pytest.mark.parametrize(
    "asked", [b"", b"a,,b", b",a", b"a b", b"a\r\nset-cookie: x", b"x\xff", b"a" * 2_049]
)
def test_anything_else_is_answered_with_the_usual_names(asked: bytes) -> None:
    assert dict(preflight(asked, b"GET"))[b"access-control-allow-headers"] == USUAL


@given(st.binary(max_size=80))
def test_no_octets_end_the_field(asked: bytes) -> None:
    value = dict(preflight(asked, b"GET"))[b"access-control-allow-headers"]
    assert re.fullmatch(rb"[!-~\t ]+", value)


def name(length: int) -> st.SearchStrategy[str]:
    return st.text("aZ9-!~", min_size=1, max_size=length)


@given(st.lists(name(40) | st.sampled_from(["", " ", "a b", "a:", "\t\xe4"]), max_size=300))
def test_a_list_of_any_length_is_judged_name_by_name(names: list[str]) -> None:
    asked = ", ".join(names).encode("latin-1")
    plain = all(re.fullmatch("[aZ9!~-]+", one) for one in names) and bool(names)
    given_back = asked if plain and len(asked) <= 2_048 else USUAL
    assert dict(preflight(asked, b"GET"))[b"access-control-allow-headers"] == given_back
