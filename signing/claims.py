"""Claims: what lets the one who used a one-time link go on reading, for a little while.

ticket = until "." sig        sig over the link's signature "." until, by a key for claims
"""

from __future__ import annotations

import re
from typing import Final

from signing.signatures import UrlSigner
from signing.targets import Link

LASTS: Final = 60
"""Seconds that a ticket is good for."""

_TICKET = re.compile(rb"\A([1-9][0-9]{9})\.([A-Za-z0-9_-]{32})\Z")


def ticket(signer: UrlSigner, link: Link, now: int) -> str:
    """Return the ticket of whoever uses the link now."""
    until = now + LASTS
    return f"{until}.{signer.get_signature(_signed(link, until)).decode()}"


def holds(signer: UrlSigner, link: Link, text: bytes, now: int) -> bool:
    """Tell whether `text` is a ticket of this very link, and not over."""
    found = _TICKET.match(text)
    if found is None:
        return False
    until, signature = int(found[1]), found[2]
    right = signer.verify_signature(_signed(link, until), signature)
    return right and now < until


def _signed(link: Link, until: int) -> str:
    return f"{link.signature}.{until}"
