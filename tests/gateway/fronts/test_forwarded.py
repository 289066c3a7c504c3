"""Forwarded: addresses as the world writes them, and no stranger's word for a proxy's."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fronts.forwarded import (
    CHAIN,
    FORWARDED,
    _address,
    address_of,
    client_told,
    is_host,
    nearest,
    pairs_of,
)

INSIDE = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32")]


def trusted(address: object) -> bool:
    return any(address in network for network in INSIDE)  # type: ignore[operator]


def told(field: bytes, *values: str) -> str:
    found = client_told(field, [value.encode("latin-1") for value in values], trusted)
    return "" if found is None else str(found)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:cb00:7109]:80", "203.0.113.9"),
        ("::1", "::1"),
    ],
)
def test_an_address_is_read_with_or_without_port_and_brackets(text: str, address: str) -> None:
    assert str(address_of(text)) == address


@pytest.mark.parametrize(
    "text",
    ["", " ", "unknown", "_hidden", "203.0.113", "203.0.113.9:", "203.0.113.9:123456",
     "010.0.0.1", "203.0.113.256", "203.0.113.9 ", "203.0.113.9, 10.0.0.1", "[203.0.113.9]x",
     "[2001:db8::1", "2001:db8::1]", "fe80::1%eth0", "1" * 65, "٢٠٣.0.113.9", "0x7f.1",
     "2130706433", "203.0.113.9/32", "\x00", "localhost"],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_of(text) is None


def test_what_is_too_long_is_not_even_remembered() -> None:
    before = _address.cache_info().currsize
    assert all(address_of("1" * (65 + extra)) is None for extra in range(20))
    assert _address.cache_info().currsize == before


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = address_of(text)
    assert found is None or found == address_of(str(found))


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9, 10.0.0.5"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9,10.0.0.5 ,\t[2001:db8::2]:80"], "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9", "10.0.0.5"], "203.0.113.9"),
        (["203.0.113.9, ::ffff:10.0.0.5"], "203.0.113.9"),
        (["10.0.0.9, 10.0.0.5"], "10.0.0.9"),
        (["6.6.6.6, nonsense, 10.0.0.5"], "10.0.0.5"),
        (["6.6.6.6, , 10.0.0.5"], "10.0.0.5"),
        (["6.6.6.6, nonsense"], ""),
        (["6.6.6.6,"], ""),
        ([""], ""),
        ([], ""),
        (["6.6.6.6" + ", 10.0.0.5" * 31], "6.6.6.6"),
        (["6.6.6.6" + ", 10.0.0.5" * 500], "10.0.0.5"),
    ],
)
def test_trusted_hops_are_passed_over_from_the_right(values: list[str], client: str) -> None:
    assert told(CHAIN, *values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (['For="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (["for=6.6.6.6, for=203.0.113.9;proto=https;by=10.0.0.1, for=10.0.0.5"], "203.0.113.9"),
        (['for=6.6.6.6, for="203.0.113.9:80" ; proto=http'], "203.0.113.9"),
        (["for=6.6.6.6", "for=203.0.113.9"], "203.0.113.9"),
        (['for="6.6.6.6, for=203.0.113.9'], "203.0.113.9"),
        (['for="6.6.6.6, for=6.6.6.7", for=10.0.0.5'], "10.0.0.5"),
        (["for=203.0.113.9;for=6.6.6.6"], ""),
        (["for=unknown"], ""),
        (["for=_secret, for=10.0.0.5"], "10.0.0.5"),
        (["203.0.113.9"], ""),
        (["proto=https"], ""),
        (["for=203.0.113.9;"], ""),
        (["for =203.0.113.9"], ""),
    ],
)
def test_forwarded_is_read_by_its_grammar_from_the_right(values: list[str], client: str) -> None:
    assert told(FORWARDED, *values) == client


@pytest.mark.parametrize(
    ("field", "values", "client"),
    [
        (b"cf-connecting-ip", ["203.0.113.9"], "203.0.113.9"),
        (b"cf-connecting-ip", [" 2001:db8::5\t"], "2001:db8::5"),
        (b"cf-connecting-ip", ["203.0.113.9, 6.6.6.6"], ""),
        (b"cf-connecting-ip", ["203.0.113.9", "6.6.6.6"], ""),
        (b"cf-connecting-ip", [], ""),
        (b"x-real-ip", ["evil"], ""),
        (b"cloudfront-viewer-address", ["203.0.113.9:46532"], "203.0.113.9"),
        (b"cloudfront-viewer-address", ["2001:db8::5:8080"], "2001:db8::5"),
        (b"cloudfront-viewer-address", ["[2001:db8::5]:8080"], "2001:db8::5"),
        (b"cloudfront-viewer-address", ["203.0.113.9"], ""),
    ],
)
def test_a_field_of_a_cdns_own_has_one_address(
    field: bytes, values: list[str], client: str
) -> None:
    assert told(field, *values) == client


def test_an_element_is_read_whole_or_not_at_all() -> None:
    assert pairs_of(b'For="a";PROTO=https; host="docs.example:8443"') == {
        b"for": b"a",
        b"proto": b"https",
        b"host": b"docs.example:8443",
    }
    for broken in (b"", b"for", b"for=a;;proto=b", b'for="a', b"for=a b", b'for="\\""', b"a=b;A=c"):
        assert pairs_of(broken) == {}


def test_the_nearest_proxy_stands_at_the_right() -> None:
    assert nearest([b"evil.example, docs.example"]) == b"docs.example"
    assert nearest([b"evil.example", b" docs.example\t"]) == b"docs.example"
    assert nearest([]) == b""


@pytest.mark.parametrize("host", [b"docs.example", b"docs.example:8443", b"[2001:db8::1]:80", b"a"])
def test_a_host_may_have_a_port(host: bytes) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [b"", b"a/b", b"a@b", b"a:b", b"a:", b"a b", b"a\r\nb", b"[", b"a?b", b"a:123456", b"\xe4"],
)
def test_what_would_be_more_than_a_host_is_none(host: bytes) -> None:
    assert not is_host(host)
