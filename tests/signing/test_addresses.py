"""Addresses: one spelling per key, whatever the key, and no other spelling read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signing.addresses import (
    CANARY,
    canonical_bucket,
    canonical_key,
    canonical_segment,
    check_bucket,
    check_key,
    read_bucket,
    read_key,
    version22,
)
from signing.errors import Unsignable
from signing.grammar import PATH

NEVER = "".join(map(chr, range(32))) + "\x7f/\\"
letters = st.characters(codec="utf-8", exclude_characters=NEVER)
segments = st.text(letters, min_size=1, max_size=20).filter(lambda s: s not in (".", ".."))
keys = st.lists(segments, min_size=1, max_size=6).map("/".join)
# Texts that a path may spell: literals and upper-case escapes of any octet.
spellings = st.lists(
    st.sampled_from("aZ0.-~!+@é%")
    | st.integers(0, 255).map(lambda octet: f"%{octet:02X}")
    | st.sampled_from(["%C3%A9", "%E7%97%85", "/"]),
    min_size=1,
    max_size=12,
).map(lambda parts: "".join(parts).encode())


@given(keys)
def test_every_key_is_read_back_from_its_spelling(key: str) -> None:
    spelling = canonical_key(key).encode()
    assert read_key(spelling) == key
    assert PATH.match(b"/d/original/zone/bucket/-/" + spelling)


@given(segments.filter(lambda s: not s.startswith("~")))
def test_every_bucket_is_read_back_from_its_spelling(bucket: str) -> None:
    spelling = canonical_bucket(bucket).encode()
    assert read_bucket(spelling) == bucket
    assert PATH.match(b"/d/original/zone/" + spelling + b"/-/key")


@given(spellings)
def test_what_is_read_is_spelt_that_way_and_no_other(spelling: bytes) -> None:
    if not PATH.match(b"/d/original/zone/bucket/-/" + spelling):
        return
    try:
        key = read_key(spelling)
    except Unsignable:
        return
    assert canonical_key(key).encode() == spelling


@pytest.mark.parametrize("octet", range(256))
def test_an_octet_has_one_spelling_or_none(octet: int) -> None:
    """Every octet, escaped: read only where it may not stand as itself."""
    spelling = f"a%{octet:02X}b".encode()
    refused_as_text = octet > 127 or chr(octet) in NEVER
    expected = None if refused_as_text else canonical_segment(f"a{chr(octet)}b").encode()
    if spelling == expected:
        assert read_key(spelling) == f"a{chr(octet)}b"
    else:
        with pytest.raises(Unsignable):
            read_key(spelling)


def test_what_may_stand_as_itself_does() -> None:
    literal = "azAZ09-._~!$&'()*+,;=:@"
    assert canonical_segment(literal) == literal
    assert canonical_segment(' "#%<>?[]^`{|}é') == (
        "%20%22%23%25%3C%3E%3F%5B%5D%5E%60%7B%7C%7D%C3%A9"
    )


@pytest.mark.parametrize("text", ["", ".", "..", "a/b", "a\\b", "a\0", "\x1f", "\x7f", "\ud800"])
def test_what_no_segment_may_be_is_refused(text: str) -> None:
    with pytest.raises(Unsignable) as caught:
        canonical_segment(text)
    assert caught.value.reason == "segment"


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a/../b", "./a", "\udc80", "é" * 513])
def test_what_no_key_may_be_is_refused(key: str) -> None:
    with pytest.raises(Unsignable):
        canonical_key(key)


@pytest.mark.parametrize(
    "bucket", ["", "~", "~canaries", "~Canary", "a/b", "..", "é" * 51, "b" * 101]
)
def test_what_no_bucket_may_be_is_refused(bucket: str) -> None:
    with pytest.raises(Unsignable):
        canonical_bucket(bucket)


def test_the_canary_s_bucket_is_the_one_reserved_bucket_that_a_link_may_name() -> None:
    assert canonical_bucket(CANARY) == CANARY == "~canary"
    with pytest.raises(Unsignable):
        check_bucket(CANARY)  # the storage routes have none


def test_lengths_count_decoded_octets() -> None:
    assert canonical_bucket("é" * 50) == "%C3%A9" * 50
    assert read_bucket(b"%C3%A9" * 50) == "é" * 50
    assert canonical_key("é" * 512) == "%C3%A9" * 512
    assert read_key(b"%20" * 1024) == " " * 1024
    with pytest.raises(Unsignable):
        read_key(b"%20" * 1025)
    with pytest.raises(Unsignable):
        read_bucket(b"b" * 101)


def test_unicode_is_never_folded() -> None:
    words = ["caf\u00e9", "cafe\u0301", "\uff43afe", "cafe", "CAFE"]
    assert len({canonical_key(word) for word in words}) == len(words)


def test_a_version_is_22_characters_of_the_hash_of_its_identity() -> None:
    digest = hashlib.sha256(b'"abc"').digest()
    assert version22('"abc"') == base64.urlsafe_b64encode(digest).decode()[:22]
    assert version22("abc") != version22('"abc"')
    assert len(version22("é")) == 22


texts = st.lists(
    st.sampled_from(
        ["/", "//", ".", "..", "a", "~", "é", "\\", "\0", "\n", "\x7f", "\udcff", "\x85"]
    )
    | st.characters(),
    max_size=6,
).map("".join)


def refuses(judge: Callable[[str], object], text: str) -> bool:
    try:
        judge(text)
    except Unsignable:
        return True
    return False


@given(texts)
@example("b" * 100)
@example("b" * 101)
@example("é" * 51)
@example("k" * 1024)
@example("k" * 1025)
@example("é" * 513)
@example("a\n")
def test_what_has_no_spelling_is_refused_without_spelling_it(text: str) -> None:
    assert refuses(check_key, text) is refuses(canonical_key, text)
    assert refuses(check_bucket, text) is refuses(canonical_bucket, text)
