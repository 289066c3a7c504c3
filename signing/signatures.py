"""The MAC of a URL: itsdangerous' signer, made unambiguous, unmalleable and cheap."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Any

from itsdangerous import Signer
from itsdangerous.encoding import want_bytes

SIGNATURE_LENGTH = 32


class UrlSigner(Signer):
    """Signs for one secret and one purpose; a signature has exactly one spelling.

    The derived key is lower-case hex text, so that every edge can hold it (a NUL ends a string in
    VCL). It is derived and set up once: a check costs less than one
    `hmac.digest`. The signature is the first 24 octets of the
    MAC in base64url, 32 characters without spare bits, and is compared as text, never decoded:
    the stock signer also accepts padding, junk and other last characters.
    """

    default_key_derivation = "hmac"
    default_digest_method: Any = staticmethod(hashlib.sha256)

    def __init__(self, secret: bytes, salt: str) -> None:
        super().__init__(secret, salt=salt)
        self.key = self.derive_key()
        self._keyed = hmac.new(self.key, digestmod=self.digest_method)

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Return the key as lower-case hex text."""
        return super().derive_key(secret_key).hex().encode()

    def get_signature(self, value: str | bytes) -> bytes:
        """Return the 32 characters that sign `value`."""
        mac = self._keyed.copy()
        mac.update(want_bytes(value))
        return urlsafe_b64encode(mac.digest())[:SIGNATURE_LENGTH]

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Tell in constant time whether `sig` is the very text that signs `value`."""
        return hmac.compare_digest(self.get_signature(value), want_bytes(sig))
