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


def standing(audience: str, returns: int) -> str:
    """Return what is signed of a viewer: the id, and after a line feed, which no id holds, how
    often they were let back in, if ever: what is bound to them once is dead afterwards.

    Raises `Unsignable`.
    """
    check_audience(audience)
    if returns < 0:
        raise Unsignable("returns")
    return f"{audience}\n{returns}" if returns else audience


def audience_by(signer: UrlSigner, audience: str, returns: int = 0) -> str:
    """Return what stands for a viewer in the links of that signer's key and zone."""
    return signer.get_signature(standing(audience, returns))[:LENGTH].decode()


def is_audience(signer: UrlSigner, audience: str, text: str, returns: int = 0) -> bool:
    """Tell in constant time whether `text` stands for the viewer; for none that names nobody."""
    try:
        return compare_digest(audience_by(signer, audience, returns), text)
    except Unsignable:
        return False
