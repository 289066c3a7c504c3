from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.supabase.messages import SignMany, SignOne

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def one(**members: object) -> SignOne:
    return SignOne.read(json.dumps(members).encode())


def many(**members: object) -> SignMany:
    return SignMany.read(json.dumps({"expiresIn": 60} | members).encode())


def complaint(body: bytes, kind: type[SignOne] | type[SignMany] = SignOne) -> str:
    with pytest.raises(InvalidRequest) as caught:
        kind.read(body)
    return caught.value.message


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(60, 60), ("60", 60), (60.0, 60), ("6e1", 60), (" 60 ", 60), ([60], 60), (True, 1), (1, 1)],
)
def test_a_lifetime_is_a_whole_number_in_any_of_javascripts_spellings(
    given: object, seconds: int
) -> None:
    assert one(expiresIn=given).expires_in == seconds


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "body/expiresIn must be >= 1"),
        (-5, "body/expiresIn must be >= 1"),
        (None, "body/expiresIn must be >= 1"),
        (False, "body/expiresIn must be >= 1"),
        (1.5, "body/expiresIn must be integer"),
        ("", "body/expiresIn must be integer"),
        ("soon", "body/expiresIn must be integer"),
        ("60s", "body/expiresIn must be integer"),
        ([], "body/expiresIn must be integer"),
        ([60, 60], "body/expiresIn must be integer"),
        ({}, "body/expiresIn must be integer"),
        ("Infinity", 'body/expiresIn must pass "finite" keyword validation'),
        (10**400, "body/expiresIn must be integer"),
        (2**53, "Invalid Parameter expiresIn"),
    ],
)
def test_a_lifetime_that_is_none_is_refused_in_the_servers_words(
    given: object, message: str
) -> None:
    assert complaint(json.dumps({"expiresIn": given}).encode()) == message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "body must have required property 'expiresIn'"),
        (b'{"paths":["a"]}', "body must have required property 'expiresIn'"),
        (b'{"expiresIn":60}', "body must have required property 'paths'"),
        (b"[]", "body must be object"),
        (b"null", "body must be object"),
        (b"", "Body is not valid JSON but content-type is set to 'application/json'"),
        (b'{"expiresIn":NaN,"paths":["a"]}', "Body is not valid JSON but content-type"),
        (b"\xff\xfe", "Body is not valid JSON but content-type"),
        (b"[" * 100_000, "Body is not valid JSON but content-type"),
    ],
)
def test_a_body_of_another_shape_is_refused(body: bytes, message: str) -> None:
    assert complaint(body, SignMany).startswith(message)


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        (["b", "a", "b"], ("b", "a", "b")),
        ("a", ("a",)),
        ([["a"]], ("a",)),
        ([1, True, None, 1.5], ("1", "true", "", "1.5")),
        (None, ("",)),
        (["a b/ü.pdf"], ("a b/ü.pdf",)),
    ],
)
def test_paths_keep_their_order_and_scalars_become_text(
    given: object, paths: tuple[str, ...]
) -> None:
    assert many(paths=given).paths == paths


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "body/paths must NOT have fewer than 1 items"),
        (["a"] * 1001, "body/paths must NOT have more than 1000 items"),
        ({}, "body/paths must be array"),
        (["a", {}], "body/paths/1 must be string"),
        ([["a", "b"]], "body/paths/0 must be string"),
    ],
)
def test_paths_that_are_none_are_refused(given: object, message: str) -> None:
    assert complaint(json.dumps({"expiresIn": 1, "paths": given}).encode(), SignMany) == message


def test_a_thousand_paths_are_taken() -> None:
    assert len(many(paths=["a"] * 1000).paths) == 1000


def test_the_lifetime_is_judged_before_the_paths() -> None:
    body = b'{"expiresIn":0,"paths":[]}'
    assert complaint(body, SignMany) == "body/expiresIn must be >= 1"


def test_a_transform_is_kept_as_it_came_and_goes_up_again() -> None:
    transform = {"width": "20", "unknown": [1]}
    body = one(expiresIn="60", transform=transform, download="a b.png")
    assert body.transform == transform
    assert json.loads(body.wire) == {"expiresIn": 60, "transform": transform}
    assert json.loads(one(expiresIn=60).wire) == {"expiresIn": 60}
    assert many(paths=["a"], transform=transform).transform == transform


@pytest.mark.parametrize("given", [None, [], "w", 1])
def test_a_transform_that_is_no_object_is_refused(given: object) -> None:
    body = json.dumps({"expiresIn": 60, "transform": given}).encode()
    assert complaint(body) == "body/transform must be object"


def test_only_the_asked_paths_go_up() -> None:
    body = many(paths=["a", "b"], transform={"width": 5})
    assert json.loads(body.wire(["b"])) == {"expiresIn": 60, "paths": ["b"]}


def test_a_lifetime_out_of_bounds_has_the_servers_own_code() -> None:
    with pytest.raises(InvalidRequest) as caught:
        one(expiresIn=2**60)
    assert caught.value.code == "InvalidParameter"


@given(JSON)
def test_whatever_comes_is_read_or_refused(value: object) -> None:
    body = json.dumps({"expiresIn": value, "paths": value, "transform": value}).encode()
    for kind in (SignOne, SignMany):
        try:
            read = kind.read(body)
        except InvalidRequest:
            continue
        assert read.expires_in >= 1
        assert math.isfinite(read.expires_in)
