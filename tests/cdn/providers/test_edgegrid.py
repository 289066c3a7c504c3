"""EdgeGrid, held to Akamai's own package."""

from __future__ import annotations

import httpx
import pytest
import requests
from akamai.edgegrid import EdgeGridAuth
from hypothesis import given
from hypothesis import strategies as st

from cdn.providers.edgegrid import EdgeGrid

CREDENTIALS = ("akab-client", "a-secret=", "akab-access")
WORDS = st.text("abcXYZ019-_.~", min_size=1, max_size=12)


def theirs(method: str, url: str, body: bytes, stamp: str, nonce: str) -> str:
    asked = requests.Request(method, url, data=body).prepare()
    return str(EdgeGridAuth(*CREDENTIALS).ah.make_auth_header(asked, stamp, nonce))


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", ":8443"]),
    st.lists(WORDS, min_size=1, max_size=4),
    st.dictionaries(WORDS, WORDS, max_size=2),
    st.binary(max_size=200),
    WORDS,
)
def test_every_call_is_signed_as_the_official_package_signs_it(
    method: str,
    scheme: str,
    port: str,
    path: list[str],
    query: dict[str, str],
    body: bytes,
    nonce: str,
) -> None:
    below = "/".join(path)
    url = httpx.URL(f"{scheme}://akab-host.example{port}/{below}", params=query or None)
    ours = EdgeGrid(*CREDENTIALS).signed(method, url, body, 1_795_383_197.9, nonce)
    assert ours == theirs(method, str(url), body, "20261122T21:33:17+0000", nonce)


@pytest.mark.parametrize("size", [131_071, 131_072, 131_073])
def test_of_a_large_body_the_same_part_is_signed(size: int) -> None:
    url, body = "https://akab-host.example/x", b"a" * size
    ours = EdgeGrid(*CREDENTIALS).signed("POST", httpx.URL(url), body, 0.0, "n")
    assert ours == theirs("POST", url, body, "19700101T00:00:00+0000", "n")


def test_no_credential_is_seen() -> None:
    assert not any(part in repr(EdgeGrid(*CREDENTIALS)) for part in CREDENTIALS)
