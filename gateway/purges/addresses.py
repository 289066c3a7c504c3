"""Addresses: URLs as they were given out, and what they open."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from cdn.copies import digest_of
from gateway.documents import DocumentRef
from gateway.errors import RequestRefused
from gateway.purges.named import Address
from gateway.state.ledger import Ledger
from signing.errors import LinkRefused
from signing.links import Signer
from signing.storage import PREFIX

# How each storage route goes on to bucket and key; the longest first.
_PLACES = tuple(
    f"{PREFIX}/{kind}/{way}"
    for kind in ("render/image", "object")
    for way in ("sign/", "public/", "authenticated/", "")
)

_ID = re.compile(r"[0-9a-f]{16}")


class Addresses:
    """Reads URLs; `owner` names the zone of a bucket, or raises `RequestRefused`."""

    def __init__(self, signer: Signer, owner: Callable[[str], str]) -> None:
        self._signer = signer
        self._owner = owner

    def read(self, url: str) -> Address:
        """What a URL opens, or opened before it died: a link, or one of Supabase's routes.

        With or without scheme and host. Raises `RequestRefused` (422), which repeats nothing of it.
        """
        try:
            parts = urlsplit(url)
            path, query = parts.path.encode(), parts.query.encode()
        except ValueError:  # which what is no Unicode raises as well
            raise _refused() from None
        key = path + b"?" + query if query else path
        return Address(self._document(path, query), digest_of(key))

    def _document(self, path: bytes, query: bytes) -> DocumentRef:
        text = path.decode()
        for place in _PLACES:
            if text.startswith(place):
                bucket, _, key = unquote(text.removeprefix(place)).partition("/")
                if not key:
                    raise _refused()
                return DocumentRef(self._owner(bucket), bucket, key)
        try:
            link = self._signer.read(path, query)
        except LinkRefused:
            raise _refused() from None
        return DocumentRef(link.zone, link.bucket, link.key)


async def opened_by(link: str, addresses: Addresses, ledger: Ledger) -> DocumentRef:
    """The document of a link, named by its URL or by the id that logs and the ledger have.

    Raises `RequestRefused` (422) for one that was not issued here, and for a folder's.
    """
    if not _ID.fullmatch(link):
        return addresses.read(link).document
    rows = await ledger.find(link)
    if not rows or rows[0].key.endswith("/"):
        raise _refused()
    return DocumentRef(rows[0].zone, rows[0].bucket, rows[0].key)


def _refused() -> RequestRefused:
    return RequestRefused(
        422, "bad-url", "One of them is no link of ours: give each one whole, as it was issued."
    )
