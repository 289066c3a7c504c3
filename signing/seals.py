"""Sealed addresses: bucket and key by AES-SIV, so that no URL or log names a patient.

RFC 5297 with zero associated-data components; deterministic, so one document has one text.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from signing.addresses import CANARY, check_bucket, check_key
from signing.errors import LinkRefused, Unsignable


class Seal(Protocol):
    """Turns a zone's addresses into sealed text and back."""

    def close(self, bucket: str, key: str) -> str:
        """Return the sealed text of an address; raises `Unsignable`."""
        ...

    def open(self, sealed: bytes) -> tuple[str, str]:
        """Return bucket and key of a sealed text; raises `LinkRefused`."""
        ...


class AesSivSeal:
    """Seals by AES-256-SIV under one zone's 64 octets; the text is base64url of V || C."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def close(self, bucket: str, key: str) -> str:
        """Return the sealed text; what breaks the rules of readable addresses is refused."""
        _check(bucket, key)
        return _text(self._cipher.encrypt(f"{bucket}\0{key}".encode(), None)).decode()

    def open(self, sealed: bytes) -> tuple[str, str]:
        """Return bucket and key; a text that `close` would not have made is refused."""
        try:
            box = urlsafe_b64decode(sealed + b"=" * (-len(sealed) % 4))
            bucket, _, key = self._cipher.decrypt(box, None).decode().partition("\0")
            _check(bucket, key)
        except (InvalidTag, ValueError, Unsignable):
            raise LinkRefused("seal") from None
        if _text(box) != sealed:  # the spare bits of the last character
            raise LinkRefused("seal")
        return bucket, key


class NoSeal:
    """Stands where no seal key is set: nothing closes, nothing opens."""

    __slots__ = ()

    def close(self, bucket: str, key: str) -> str:
        """Refuse: without a key nothing can be sealed."""
        raise Unsignable("seal")

    def open(self, sealed: bytes) -> tuple[str, str]:
        """Refuse: without a key nothing was sealed here."""
        raise LinkRefused("seal")


def _check(bucket: str, key: str) -> None:
    if bucket != CANARY:
        check_bucket(bucket)
    check_key(key)


def _text(box: bytes) -> bytes:
    return urlsafe_b64encode(box).rstrip(b"=")
