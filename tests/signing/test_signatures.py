"""The signer: one spelling for a signature, hex-text keys, and itsdangerous' own ways with them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadSignature, Signer

from signing.signatures import UrlSigner

SECRET = bytes(range(32))
SALT = "ostiary:read:clinic"


def test_the_key_is_the_hex_text_of_the_hmac_of_the_purpose() -> None:
    raw = hmac.new(SECRET, SALT.encode(), hashlib.sha256).hexdigest()
    assert UrlSigner(SECRET, SALT).key == raw.encode()


@given(st.binary(max_size=300))
def test_a_signature_is_the_first_24_octets_of_the_hmac(value: bytes) -> None:
    signer = UrlSigner(SECRET, SALT)
    mac = hmac.new(signer.key, value, hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signer.get_signature(value)) == mac[:24]
    assert signer.verify_signature(value, signer.get_signature(value))


def test_text_and_octets_sign_alike() -> None:
    signer = UrlSigner(SECRET, SALT)
    assert signer.get_signature("/d/ä") == signer.get_signature("/d/ä".encode())


def test_sign_and_unsign_work_as_in_itsdangerous() -> None:
    signer = UrlSigner(SECRET, SALT)
    assert signer.unsign(signer.sign("value")) == b"value"
    with pytest.raises(BadSignature):
        UrlSigner(SECRET, "ostiary:upload:clinic").unsign(signer.sign("value"))


@pytest.mark.parametrize("junk", ["=", "==", "====", "!!!!", "é", "==AAAA"])
def test_what_the_stock_signer_forgives_is_refused(junk: str) -> None:
    stock = Signer(SECRET, salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
    assert stock.verify_signature("v", stock.get_signature("v").decode() + "=")
    signer = UrlSigner(SECRET, SALT)
    assert not signer.verify_signature("v", signer.get_signature("v").decode() + junk)


def test_only_one_last_character_is_right() -> None:
    signer = UrlSigner(SECRET, SALT)
    right = signer.get_signature("v")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [c for c in letters if signer.verify_signature("v", right[:-1] + bytes([c]))]
    assert accepted == [right[-1]]
