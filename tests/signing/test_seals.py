"""Sealed addresses: AES-SIV as RFC 5297 has it, and nothing opens but what was closed here."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.errors import LinkRefused, Unsignable
from signing.seals import AesSivSeal, NoSeal

KEY = bytes(range(64))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
words = st.text(st.characters(codec="utf-8", exclude_characters="/\\\x7f", min_codepoint=32))
words = words.filter(lambda word: word not in ("", ".", "..") and len(word.encode()) <= 100)


def test_the_plain_implementation_is_that_of_the_rfc(plain: ModuleType) -> None:
    """RFC 5297, appendix A.1 and A.2."""
    key = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    associated = bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")
    text = bytes.fromhex("112233445566778899aabbccddee")
    assert plain.aes_siv(key, text, associated).hex() == (
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"
    )
    key = bytes.fromhex("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f")
    strings = (
        "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
        "102030405060708090a0",
        "09f911029d74e35bd84156c5635688c0",
    )
    text = b"this is some plaintext to encrypt using SIV-AES"
    assert plain.aes_siv(key, text, *map(bytes.fromhex, strings)).hex() == (
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
        "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d"
    )


@given(bucket=words.filter(lambda word: word[:1] != "~"), key=words)
def test_a_seal_is_aes_siv_without_associated_data(
    plain: ModuleType, bucket: str, key: str
) -> None:
    seal = AesSivSeal(KEY)
    sealed = seal.close(bucket, key)
    assert sealed == plain.base64url(plain.aes_siv(KEY, f"{bucket}\0{key}".encode()))
    assert seal.open(sealed.encode()) == (bucket, key)


def test_no_other_character_anywhere_opens() -> None:
    seal = AesSivSeal(KEY)
    sealed = seal.close("b", "kk")
    for at in range(len(sealed)):
        for letter in LETTERS.replace(sealed[at], ""):
            with pytest.raises(LinkRefused, match="seal"):
                seal.open(f"{sealed[:at]}{letter}{sealed[at + 1 :]}".encode())


@pytest.mark.parametrize("plaintext", [b"no separator", b"b\0", b"b\0..", b"~b\0k", b"b\0\xff"])
def test_what_no_readable_address_may_be_does_not_open(plain: ModuleType, plaintext: bytes) -> None:
    sealed = plain.base64url(plain.aes_siv(KEY, plaintext))
    with pytest.raises(LinkRefused, match="seal"):
        AesSivSeal(KEY).open(sealed.encode())


@pytest.mark.parametrize(("bucket", "key"), [("~b", "k"), ("b", "a/../k"), ("b", "a\0b")])
def test_what_no_readable_address_may_be_does_not_close(bucket: str, key: str) -> None:
    with pytest.raises(Unsignable):
        AesSivSeal(KEY).close(bucket, key)


def test_the_canary_s_address_is_sealed_like_any_other() -> None:
    seal = AesSivSeal(KEY)
    assert seal.open(seal.close("~canary", "a").encode()) == ("~canary", "a")


def test_without_a_key_nothing_closes_or_opens() -> None:
    with pytest.raises(Unsignable, match="seal"):
        NoSeal().close("b", "k")
    with pytest.raises(LinkRefused, match="seal"):
        NoSeal().open(AesSivSeal(KEY).close("b", "k").encode())
