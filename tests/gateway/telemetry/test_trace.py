from __future__ import annotations

from itertools import islice

import pytest

from gateway.telemetry.trace import client_network, client_of, request_ids, trace_id

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (f"00-{TRACE}-{PARENT}-01", TRACE),
        (f"cc-{TRACE}-{PARENT}-01", TRACE),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", TRACE),
        (f"cc-{TRACE}-{PARENT}-01.", ""),
        (f"00-{TRACE}-{PARENT}-01-more", ""),
        (f"ff-{TRACE}-{PARENT}-01", ""),
        (f"00-{'0' * 32}-{PARENT}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-{PARENT}-01", ""),
        (f"00-{TRACE}-{PARENT}-0", ""),
        (f"00-{TRACE}-{PARENT}-01\n", ""),
        (f"cc-{TRACE}-{PARENT}-01-{'x' * 600}", ""),
        ("", ""),
    ],
)
def test_a_traceparent_counts_only_as_the_standard_writes_it(field: str, found: str) -> None:
    assert trace_id(field.encode()) == found


def test_request_ids_are_16_hex_characters_and_do_not_repeat() -> None:
    ids = list(islice(request_ids(), 2000))
    assert len(set(ids)) == 2000
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", ""),
        ("", ""),
    ],
)
def test_a_client_is_known_by_its_network_only(address: str, network: str) -> None:
    assert client_network(address) == network


def test_the_peer_is_told_as_its_network() -> None:
    assert client_of({"client": ("192.0.2.77", 50123)}) == "192.0.2.0/24"
    assert client_of({"client": None}) == ""
    assert client_of({}) == ""
