"""The parameters that mean something are read as they came; what is unclear gives no token."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dropin.queries import Query
from signing.errors import LinkRefused

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("raw", "download"),
    [
        (b"token=1.x", None),
        (b"token=1.x&download=", ""),
        (b"token=1.x&download", ""),
        (b"download=a.pdf&token=1.x", "a.pdf"),
        (b"download=a+b.pdf", "a b.pdf"),
        (b"download=a%20b.pdf", "a b.pdf"),
        (b"download=%C3%BC.pdf", "ü.pdf"),
        (b"download=%25C3%25BC.pdf", "ü.pdf"),
        (b"download=%25zz.pdf", "%zz.pdf"),
        (b"download=50%25.pdf", "50%.pdf"),
        (b"download=%25FF.pdf", "%FF.pdf"),
        (b"download=\xc3\xbc.pdf", "ü.pdf"),
        (b"download=one&download=two", "one"),
        (b"cacheNonce=1", None),
        (b"", None),
    ],
)
def test_whether_and_under_what_name_to_save(raw: bytes, download: str | None) -> None:
    assert Query.parse(raw).download == download


@given(TEXT)
def test_a_name_that_was_encoded_twice_is_the_name(name: str) -> None:
    twice = urlencode({"download": quote(name, safe="")})
    once = urlencode({"download": name})
    assert Query.parse(twice.encode()).download == name
    if "%" not in name:
        assert Query.parse(once.encode()).download == name


@pytest.mark.parametrize("raw", [b"token=1.x", b"a=b&token=1.x&download=1"])
def test_one_token_is_the_token(raw: bytes) -> None:
    query = Query.parse(raw)
    assert query.ours
    assert query.token == b"1.x"


@pytest.mark.parametrize(
    "raw",
    [
        b"token=1.x&token=1.y",
        b"token=1.x&token=1.x",
        b"token=eyJ.e.s&token=1.x",
        b"token=1.x&token=",
        b"token=1.x&%74oken=eyJ.e.s",
        b"token=1.x&tok%65n=1.y",
    ],
)
def test_of_several_tokens_none_is_chosen(raw: bytes) -> None:
    query = Query.parse(raw)
    assert query.ours
    with pytest.raises(LinkRefused):
        _ = query.token


@pytest.mark.parametrize(
    "raw",
    [
        b"token=%31.x",
        b"token=1%2Ex",
        b"%74oken=1.x",
        b"token=1.x&" + b"&".join([b"a=b"] * 80),
    ],
)
def test_a_token_of_ours_is_known_in_whatever_spelling(raw: bytes) -> None:
    assert Query.parse(raw).ours


@pytest.mark.parametrize("raw", [b"", b"token=", b"token=eyJ.e.s", b"tokens=1.x", b"TOKEN=1.x"])
def test_what_is_not_ours_is_not_taken_for_it(raw: bytes) -> None:
    assert not Query.parse(raw).ours


def test_a_query_with_too_many_parameters_has_none() -> None:
    query = Query.parse(b"&".join([b"download=x"] * 65))
    assert query.pairs == ()
    assert query.download is None


@given(st.binary(max_size=60))
def test_any_octets_are_a_query(raw: bytes) -> None:
    query = Query.parse(raw)
    if query.ours:
        assert b"1." in unquote_to_bytes(raw)
    if raw.startswith(b"token=1."):
        assert query.ours


def test_a_representation_shows_nothing() -> None:
    assert "canary" not in repr(Query.parse(b"token=canary&download=canary&x=canary"))
