"""Audiences: whom a link is bound to, as sixteen characters that tell nobody who it is."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from signing.errors import Unsignable
from signing.signatures import UrlSigner

LENGTH: Final = 16
LONGEST: Final = 255
"""The longest id: that of the longest subject of a token that is taken."""


def check_audience(audience: str) -> None:
    """Refuse what names no viewer: printable ASCII it is, without spaces around it.

    Raises `Unsignable`.
    """
    plain = audience.isascii() and audience.isprintable() and audience.strip() == audience
    if not (plain and 1 <= len(audience) <= LONGEST):
        raise Unsignable("audience")


def audience_by(signer: UrlSigner, audience: str) -> str:
    """Return what stands for an id in the links of that signer's key and zone."""
    check_audience(audience)
    return signer.get_signature(audience)[:LENGTH].decode()


def is_audience(signer: UrlSigner, audience: str, text: str) -> bool:
    """Tell in constant time whether `text` stands for the id; for none that names no viewer."""
    try:
        return compare_digest(audience_by(signer, audience), text)
    except Unsignable:
        return False
