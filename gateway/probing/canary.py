"""The canary: a document that the gateway makes, shared before anything else is.

Whoever asks a CDN for it learns what the CDN does with links: each answer of the gateway's has
another nonce, so that the same nonce twice is a copy. It tells nothing of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from secrets import token_urlsafe
from typing import Final

from cdn.fields import Profile, render
from cdn.modes import policy_for
from cdn.policy import CachePolicy, Private
from gateway.deliveries import Delivery, Request
from gateway.documents import DocumentRef, Zone
from gateway.errors import DocumentNotFound
from gateway.permits import Permit
from gateway.representations import http_date, tags_of
from gateway.wire.heads import Head
from gateway.wire.security import security_fields
from signing.addresses import CANARY
from signing.targets import ABSENT, LIVE, Link

KEPT: Final = "kept/"
UNKEPT: Final = "unkept/"
"""How the keys of canaries begin: of what shared caches may keep, and of what only browsers may."""

TTL: Final = 300
"""Seconds for which an edge that verifies links may keep one; others only within the link's life.
"""

# What a browser may keep of a private zone.
_BROWSER = 60
_TEXT = re.compile(rb"ostiary canary ([A-Za-z0-9_-]{22}) (edge|link)\n")
_SAID = b"ostiary canary %b %b\n"


def nonce_of(body: bytes) -> tuple[str, bool] | None:
    """The nonce in a canary, and whether a proven edge fetched it; None for any other body."""
    found = _TEXT.fullmatch(body)
    return (found[1].decode(), found[2] == b"edge") if found else None


class Canary:
    """Answers links to the reserved bucket, in every zone."""

    def __init__(
        self, zones: Mapping[str, Zone], profiles: Mapping[str, Sequence[Profile]], corp: str
    ) -> None:
        self._zones = zones
        self._profiles = profiles
        self._security = security_fields(corp)

    def answer(self, link: Link | Permit, request: Request) -> Delivery:
        """The canary that an admitted link opens; raises `DocumentNotFound` for anything else."""
        if isinstance(link, Permit) or not _is_canary(link):
            raise DocumentNotFound
        nonce = token_urlsafe(16)
        body = _SAID % (nonce.encode(), b"edge" if request.proven else b"link")
        head = Head(
            (
                (b"etag", b'"%b"' % nonce.encode()),
                *self._security,
                (b"content-type", b"text/plain; charset=utf-8"),
            )
        )
        fields = [
            (b"date", http_date(int(request.now))),
            (b"cache-status", b"ostiary; fwd=miss"),
            *render(self._policy(link, request), self._profiles[link.zone]),
            (b"content-length", b"%d" % len(body)),
        ]
        return Delivery(200, head, fields, b"" if request.head else body)

    def _policy(self, link: Link, request: Request) -> CachePolicy:
        """As a document's of a zone that shares; as a private zone's where nobody may keep it."""
        zone = self._zones[link.zone]
        if link.key.startswith(UNKEPT):
            return Private(min(_BROWSER, link.expires_at - int(request.now)))
        return policy_for(
            "edge" if zone.cache == "edge" else "windowed",
            now=int(request.now),
            expires_at=link.expires_at,
            ttl=TTL,
            stale_while_revalidate=0,
            stale_if_error=0,
            tags=tags_of(zone, DocumentRef(link.zone, link.bucket, link.key), ""),
            proven=request.proven,
        )


def _is_canary(link: Link) -> bool:
    whole = link.rendition == "original" and link.version == LIVE
    free = link.audience == ABSENT and link.one_time == ABSENT
    return link.bucket == CANARY and whole and free and link.key.startswith((KEPT, UNKEPT))
