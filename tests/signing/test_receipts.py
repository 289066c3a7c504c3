from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest

from signing.keys import Key, KeyRing
from signing.receipts import Sealer

OLD, NEW = Key("k1", b"a" * 32), Key("k2", b"b" * 32)


def test_a_seal_is_what_the_docstring_says() -> None:
    key = hmac.digest(NEW.secret, b"ostiary:admin:", "sha256").hex().encode()
    mac = hmac.new(key, b"receipt:text", hashlib.sha256).digest()
    expected = urlsafe_b64encode(mac)[:32].decode()

    assert Sealer(KeyRing([OLD, NEW], "k2")).seal("text") == f"1.k2.{expected}"


def test_what_an_older_key_sealed_is_still_good() -> None:
    seal = Sealer(KeyRing([OLD], "k1")).seal("text")

    assert Sealer(KeyRing([OLD, NEW], "k2")).verdict("text", seal) == "good"


def test_a_key_that_was_taken_out_tells_nothing() -> None:
    seal = Sealer(KeyRing([OLD], "k1")).seal("text")

    assert Sealer(KeyRing([NEW], "k2")).verdict("text", seal) == "unknown-key"


@pytest.mark.parametrize("place", range(32))
def test_every_other_signature_is_refused(place: int) -> None:
    sealer = Sealer(KeyRing([NEW], "k2"))
    seal = sealer.seal("text")
    at = len("1.k2.") + place
    other = "A" if seal[at] != "A" else "B"

    assert sealer.verdict("text", seal[:at] + other + seal[at + 1 :]) == "altered"


def test_every_other_text_is_refused() -> None:
    sealer = Sealer(KeyRing([NEW], "k2"))

    assert sealer.verdict("texts", sealer.seal("text")) == "altered"


@pytest.mark.parametrize("seal", ["", "1.k2", "1.k2." + "A" * 31, "2.k2." + "A" * 32, "1.k2.\n"])
def test_what_is_no_seal_is_told_apart(seal: str) -> None:
    assert Sealer(KeyRing([NEW], "k2")).verdict("text", seal) == "no-seal"
