"""Akamai's EdgeGrid signature, version EG1-HMAC-SHA256.

The scheme: https://techdocs.akamai.com/developer/docs/edgegrid. The tests hold it to the
official package.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from time import gmtime, strftime

import httpx

# So much of a body is signed, the rest is not.
_SIGNED = 131_072


@dataclass(frozen=True, slots=True)
class EdgeGrid:
    """The three credentials of an API client."""

    client_token: str = field(repr=False)
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)

    def signed(self, method: str, url: httpx.URL, body: bytes, now: float, nonce: str) -> str:
        """The value of Authorization for a call at `now`, in Unix seconds; `nonce` is used once."""
        stamp = strftime("%Y%m%dT%H:%M:%S+0000", gmtime(now))
        proof = (
            f"EG1-HMAC-SHA256 client_token={self.client_token};"
            f"access_token={self.access_token};timestamp={stamp};nonce={nonce};"
        )
        # No other field is signed, so the part for them is empty.
        parts = (
            method,
            url.scheme,
            url.netloc.decode(),
            url.raw_path.decode(),
            "",
            _digest(body) if method == "POST" and body else "",
            proof,
        )
        signature = _mac("\t".join(parts), _mac(stamp, self.client_secret))
        return f"{proof}signature={signature}"


def _digest(body: bytes) -> str:
    return b64encode(hashlib.sha256(body[:_SIGNED]).digest()).decode()


def _mac(text: str, key: str) -> str:
    return b64encode(hmac.digest(key.encode(), text.encode(), "sha256")).decode()
