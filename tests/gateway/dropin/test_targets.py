from __future__ import annotations

import re
from posixpath import normpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dropin.targets import target_of
from gateway.errors import RequestRefused
from signing.errors import LinkRefused

PATH = b"/storage/v1/object/documents/a.pdf"


@pytest.mark.parametrize(
    "path",
    [
        b"/storage/v1/..",
        b"/storage/v1/../auth/v1",
        b"/storage/v1/object/../../../rest",
        b"/storage/v1/./object",
        b"/storage/v1/%2e%2e/auth",
        b"/storage/v1/.%2E/auth",
        b"/storage/v1/%252e%252e/auth",
        b"/storage/v1/..%2fauth",
        b"/storage/v1/..;/auth",
        b"/storage/v1/..;x=1/auth",
        b"/storage/v1/object/..",
        b"/storage/v1/..%5cauth",
        b"/storage/v1/object\\..\\..",
        b"/storage/v1/a%5C..",
        b"/storage/v1//evil.example/",
        b"/storage/v1/%2Fevil.example/",
        b"/storage/v1/a%00b",
        b"/storage/v1/a%0d%0aHost:x",
        b"/storage%2Fv1/object",
        b"/auth/v1/token",
        b"/storage/v1",
    ],
)
def test_a_path_that_some_server_resolves_elsewhere_is_refused(path: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        target_of(path, b"")
    assert refused.value.status == 400


@given(st.text("./%2eEfF5cC\\;a", max_size=24))
def test_what_passes_stays_inside_however_often_it_is_decoded(rest: str) -> None:
    try:
        path = target_of(b"/storage/v1/" + rest.encode(), b"").decode()
    except RequestRefused:
        return
    readings = [path]
    while (plain := unquote(readings[-1])) != readings[-1]:
        readings.append(plain)
    for reading in [*readings, *(re.sub(";[^/]*", "", reading) for reading in readings)]:
        assert "\\" not in reading
        assert f"{normpath(reading)}/".startswith("/storage/v1/")


@pytest.mark.parametrize("deep", [b"%" + b"25" * 6, b"%25" * 2500 + b"25" * 3500])
def test_what_is_encoded_over_and_over_is_refused_and_not_unwrapped(deep: bytes) -> None:
    """Each layer costs a reading of all that is left: together seconds, for one request."""
    for path, query in ((b"/storage/v1/" + deep, b""), (PATH, b"a=" + deep), (PATH, deep)):
        with pytest.raises(RequestRefused) as refused:
            target_of(path, query)
        assert refused.value.status == 400


def test_what_is_encoded_a_few_times_passes_as_it_came() -> None:
    path = b"/storage/v1/object/documents/100%25252525.pdf"
    assert target_of(path, b"a=%25252525") == path + b"?a=%25252525"


@pytest.mark.parametrize(
    "body",
    [b"1.k1.1795405322.0.-.-.io", b"1.k1.1795405322.7.-.-.ix-w64", b"1f4.k1.1795405322.0.-.-.ia"],
)
@pytest.mark.parametrize("signature", [b"lVq_j_3ZxrlpW8cSB7l5BL5TL0jEobch"])
def test_a_whole_token_of_ours_is_not_sent_on_wherever_it_stands(
    body: bytes, signature: bytes
) -> None:
    token = body + b"." + signature
    escaped = token.replace(b".", b"%2E")
    for query in (b"token[]=" + token, b"x=" + token, token, b"a=b%26token=" + escaped):
        with pytest.raises(LinkRefused):
            target_of(PATH, query)
    for end in (b"%3Ftoken=" + token, b"&token=" + token, b"%253ft%253d" + escaped):
        with pytest.raises(LinkRefused):
            target_of(PATH + end, b"")


@pytest.mark.parametrize(
    "query",
    [
        b"token=1.body.sig",
        b"t=1.body.sig",
        b"a=b&token=1.body.sig",
        b"a=b;token=1.body.sig",
        b"%74%6F%6b%65n=1.x",
        b"token=%31.x",
        b"token=1%2Ex",
        b"token=%2531%252ex",
        b"Token=1.x",
        b"token=+1.x",
        b"token=%201.x",
        b"token=eyJ.a.b&token=1.x",
    ],
)
def test_a_token_of_ours_is_seen_in_every_spelling(query: bytes) -> None:
    with pytest.raises(LinkRefused):
        target_of(PATH, query)


@pytest.mark.parametrize(
    "query",
    [
        b"token=eyJhbGciOiJIUzI1NiJ9.e30.x",
        b"token=",
        b"token",
        b"token=10",
        b"v=1.5&width=1.0",
        b"continuation-token=1.x",
        b"X-Amz-Signature=1.x",
        b"x=%zz%&&=",
    ],
)
def test_all_other_queries_pass_as_they_came(query: bytes) -> None:
    assert target_of(PATH, query) == PATH + b"?" + query
