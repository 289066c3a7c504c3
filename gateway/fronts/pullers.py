"""Pullers: CDNs that prove themselves, read what others may not, and ask by the key of a copy.

    target = "/d/" rendition "/" scope "?c=" ( "i" / "d" ) ( "w" / "r" ) gen

The link's token comes in the field Ostiary-Token, and one of the CDN's `shield` secrets in
Ostiary-Shield. The first letter is the link's disposition, the second its grant's class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Self

from gateway.copies import key_of
from gateway.documents import Zone
from gateway.errors import PullerRefused
from gateway.fronts.peers import NOBODY, peer_of
from gateway.settings import CdnSettings, Settings
from gateway.wire.asgi import Scope
from signing.errors import LinkRefused
from signing.folders import FolderLink
from signing.targets import ABSENT, Link

SHIELD: Final = b"ostiary-shield"
TOKEN: Final = b"ostiary-token"
FIELDS: Final = frozenset((SHIELD, TOKEN))
"""The fields by which a puller proves itself, and a link's token comes."""

_KEY: Final = b"c="


class Proofs:
    """By what the CDNs of one zone are known: secrets, and names of client certificates."""

    def __init__(
        self, secrets: Iterable[bytes] = (), certificates: frozenset[str] = NOBODY
    ) -> None:
        self._digests = [sha256(secret).digest() for secret in secrets]
        self._certificates = certificates

    @classmethod
    def of(cls, cdns: Iterable[CdnSettings]) -> Self:
        """Those of the configured CDNs."""
        known = list(cdns)
        secrets = (secret.get_secret_value().encode() for cdn in known for secret in cdn.shield)
        names = (name for cdn in known for name in cdn.certificates)
        return cls(secrets, frozenset(names))

    def hold(self, fields: Mapping[bytes, bytes], scope: Scope) -> bool:
        """Whether a request shows one.

        Digests are compared, each of them, so that the time tells neither which secret it was, how
        much of one was right, nor how long they are. The parser leaves white space behind a value,
        which is none of it (RFC 9110 section 5.5).
        """
        shown = sha256(fields.get(SHIELD, b"").rstrip(b" \t")).digest()
        told = sum(compare_digest(known, shown) for known in self._digests) > 0
        return told or not self._certificates.isdisjoint(peer_of(scope))


NONE: Final = Proofs()


class Pullers:
    """The CDNs in front of each zone; `closed` zones are read by nobody else."""

    def __init__(
        self,
        proofs: Mapping[str, Proofs],
        closed: frozenset[str] = frozenset(),
        every: Proofs = NONE,
    ) -> None:
        self._proofs = proofs
        self._every = every
        self.closed = closed

    @classmethod
    def of(cls, settings: Settings, zones: Mapping[str, Zone]) -> Self:
        """Those of the configured zones."""
        return cls(
            {
                name: Proofs.of(settings.cdn[cdn] for cdn in zone.cdn)
                for name, zone in zones.items()
            },
            frozenset(name for name, zone in zones.items() if zone.pull == "cdn"),
            Proofs.of(settings.cdn.values()),
        )

    def known(self, fields: Mapping[bytes, bytes], scope: Scope) -> bool:
        """Whether the request was made by any CDN of ours, whatever it asks for."""
        return self._every.hold(fields, scope)

    def proven(self, zone: str, fields: Mapping[bytes, bytes], scope: Scope) -> bool:
        """Whether the request was made by one of the CDNs in front of the zone."""
        return self._proofs.get(zone, NONE).hold(fields, scope)

    def admit(self, zone: str, fields: Mapping[bytes, bytes], scope: Scope) -> None:
        """Let nobody but its CDNs read a closed zone; raises `PullerRefused`."""
        if zone in self.closed and not self.proven(zone, fields, scope):
            raise PullerRefused

    def query(self, scope: Scope, fields: Mapping[bytes, bytes]) -> bytes:
        """The query that the link has: as it came, or with the token that came beside it.

        Only a proven puller may bring one; what anybody else brings is left as it is, and refused.
        """
        query: bytes = scope["query_string"]
        if not query.startswith(_KEY) or not self.proven(zone_of(scope), fields, scope):
            return query
        return b"t=" + fields.get(TOKEN, b"")

    def check(self, link: Link, query: bytes) -> None:
        """Refuse a link that was asked for by a key that is not its own; raises `LinkRefused`.

        A copy under a wrong key would reach others: so would one that is for one viewer or use.
        """
        if query.startswith(_KEY) and (query != key_of(link) or _bound(link)):
            raise LinkRefused("query")


def zone_of(scope: Scope) -> str:
    """The zone that a link's path names; empty, which no zone is, for any other path."""
    segments = scope["raw_path"].split(b"/", 4)
    return segments[3].decode("latin-1") if segments[4:] else ""


def _bound(link: Link) -> bool:
    """A folder's token counts other revocations than the key of a copy does."""
    if isinstance(link, FolderLink):
        return True
    return link.audience != ABSENT or link.one_time != ABSENT
