"""Links: the grammar os1, issued and verified.

One link covers a family: the rendition segment is free within what the grant allows, and no other
octet is. The verifier never normalises; a text is ours exactly as issued, or refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from signing.addresses import canonical_bucket, canonical_key, read_bucket, read_key
from signing.errors import (
    AudienceRefused,
    BadKey,
    BadZone,
    GenerationAhead,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    Unsignable,
)
from signing.grammar import (
    EXTENSION,
    LONGEST_RENDITION,
    MAX_TARGET,
    PATH,
    RENDITION,
    TOKEN,
    VERSION,
)
from signing.grants import Grant
from signing.keys import KeyRing
from signing.seals import AesSivSeal, NoSeal, Seal
from signing.signatures import UrlSigner
from signing.windows import expiry
from signing.zones import SignedZone

__all__ = [
    "Link",
    "LinkRequest",
    "SignedZone",
    "Signer",
    "check_companions",
    "check_generation",
]

LIVE = "-"
ABSENT = "-"
CLOCK_SKEW = 60
_EARLIEST, _LATEST = 1_000_000_000, 9_999_999_999


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What a link is asked for: a document, a grant and a life.

    `bucket` and `key` are decoded. `version` is `-` for the live document, else its 22 characters;
    `expires_in` is in seconds, None for two of the zone's windows. `extension` ends a sealed
    address, for CDNs that decide by it; a readable address has its own and leaves it out.
    """

    zone: str
    bucket: str = field(repr=False)
    key: str = field(repr=False)
    grant: Grant
    version: str = LIVE
    generation: int = 0
    expires_in: int | None = None
    extension: str = ""

    def __post_init__(self) -> None:
        if not VERSION.fullmatch(self.version):
            raise Unsignable("version")
        if not 0 <= self.generation <= _LATEST:
            raise Unsignable("generation")
        if self.expires_in is not None and self.expires_in < 1:
            raise Unsignable("life")
        if self.extension and not EXTENSION.fullmatch(self.extension):
            raise Unsignable("extension")


class Link(NamedTuple):
    """A link: its texts as they stand in the target, and what they say.

    Only `Signer` makes one, so the signature is right. `scope` and `body` are the signed texts,
    `bucket` and `key` are decoded (and unsealed). `version` is `-` when the link is live;
    `expires_at` is in Unix seconds, exclusive; `generation` is the sum of its document's
    revocations when it was issued; `audience` and `one_time` are `-` when it is bound to neither.
    """

    rendition: str
    scope: str
    body: str
    signature: str
    bucket: str
    key: str
    zone: str
    sealed: bool
    version: str
    kid: str
    expires_at: int
    generation: int
    audience: str
    one_time: str
    grant: Grant

    def __repr__(self) -> str:
        return f"<Link {self.id}>"

    @property
    def id(self) -> str:
        """Sixteen hex characters that name it in logs and give nothing of it away."""
        return hashlib.sha256(self.signature.encode()).hexdigest()[:16]

    @property
    def target(self) -> str:
        """The path and query, as requested."""
        return f"/d/{self.rendition}/{self.scope}?t={self.body}.{self.signature}"

    def for_rendition(self, name: str) -> str:
        """Return the target with another rendition segment: the same grant, the same token."""
        if not RENDITION.fullmatch(name):
            raise Unsignable("rendition")
        return f"/d/{name}/{self.scope}?t={self.body}.{self.signature}"


def _link(rendition: str, scope: str, body: str, signature: str, names: tuple[str, str]) -> Link:
    """Take texts of the grammar apart, once: a delivery asks for their parts some twenty times."""
    zone, place, version, _ = scope.split("/", 3)
    _, kid, expires_at, generation, audience, one_time, grant = body.split(".", 6)
    return Link(
        rendition,
        scope,
        body,
        signature,
        *names,
        zone,
        place == "~",
        version,
        kid,
        int(expires_at),
        int(generation),
        audience,
        one_time,
        Grant.parse(grant),
    )


class _Desk:
    """One zone's signers and its seal, derived once."""

    __slots__ = ("active", "seal", "signers", "zone")

    def __init__(self, zone: SignedZone, ring: KeyRing) -> None:
        if zone.sealed and not ring.seals:
            raise BadKey("a zone seals its addresses and no seal key is set")
        self.zone = zone
        self.signers = {kid.encode(): ring.signer(kid, "read", zone.name) for kid in ring}
        self.active: UrlSigner = self.signers[ring.active.encode()]
        self.seal: Seal = AesSivSeal(ring.sealing_key(zone.name)) if ring.seals else NoSeal()

    def scope(self, request: LinkRequest) -> str:
        """Return the signed text of the address, after `/d/`."""
        if not self.zone.sealed:
            bucket, key = canonical_bucket(request.bucket), canonical_key(request.key)
            return f"{self.zone.name}/{bucket}/{request.version}/{key}"
        sealed = self.seal.close(request.bucket, request.key)
        extension = f".{request.extension}" if request.extension else ""
        return f"{self.zone.name}/~/{request.version}/{sealed}{extension}"


class Signer:
    """Issues links with the active key and verifies those of every key in the ring."""

    __slots__ = ("_active", "_desks", "_kids")

    def __init__(self, ring: KeyRing, zones: Iterable[SignedZone]) -> None:
        known = tuple(zones)
        self._active = ring.active
        self._kids = {kid.encode() for kid in ring}
        self._desks = {zone.name.encode(): _Desk(zone, ring) for zone in known}
        if len(self._desks) != len(known):
            raise BadZone("two zones have the same name")

    def issue(self, request: LinkRequest, now: int) -> Link:
        """Return the link; equal requests within one window give equal links.

        Raises `Unsignable` where the grammar can not express what is asked, also when the target
        would be too long with the longest rendition name.
        """
        try:
            desk = self._desks[request.zone.encode()]
        except (KeyError, UnicodeEncodeError):
            raise Unsignable("zone") from None
        zone, scope, grant = desk.zone, desk.scope(request), request.grant
        expires_at = expiry(now, request.expires_in, zone.window, zone.longest_life, f"/d/{scope}")
        if not _EARLIEST <= expires_at <= _LATEST:
            raise Unsignable("life")
        body = f"1.{self._active}.{expires_at}.{request.generation}.-.-.{grant.text}"
        signature = desk.active.get_signature(f"/d/{scope}?t={body}").decode()
        link = _link(grant.first, scope, body, signature, (request.bucket, request.key))
        if len(link.target) - len(link.rendition) + LONGEST_RENDITION > MAX_TARGET:
            raise Unsignable("length")
        return link

    def verify(self, raw_path: bytes, query: bytes, now: int) -> Link:
        """Return the link behind a request's path and query, both as they came over the wire.

        Raises `LinkRefused`, or `LinkExpired` for a link that was ours. The rendition, generation,
        audience and one-time parts are parsed and signed, and still to be judged by the caller.
        """
        link, zone = self._read(raw_path, query)
        expires_at = link.expires_at
        if expires_at > now + zone.longest_life + CLOCK_SKEW:
            raise LinkRefused("too-far")
        if now >= expires_at:
            raise LinkExpired(expires_at)
        return link

    def read(self, raw_path: bytes, query: bytes) -> Link:
        """Return the link as `verify` does, whatever the time: to explain it, never to serve."""
        return self._read(raw_path, query)[0]

    def _read(self, raw_path: bytes, query: bytes) -> tuple[Link, SignedZone]:
        """Do the checks in the order of docs/links.md, "Verifying"."""
        if len(raw_path) + 1 + len(query) > MAX_TARGET:
            raise LinkRefused("length")
        token = TOKEN.match(query)
        if token is None:
            raise LinkRefused("token" if query.startswith(b"t=") else "query")
        path = PATH.match(raw_path)
        if path is None:
            raise LinkRefused("path")
        body, kid, signature = token.group(1, 2, 3)
        rendition, scope, zone, sealed, bucket, key = path.groups()
        if kid not in self._kids:
            raise LinkRefused("kid")
        desk = self._desks.get(zone)
        if desk is None:
            raise LinkRefused("zone")
        if not desk.signers[kid].verify_signature(b"/d/%b?t=%b" % (scope, body), signature):
            raise LinkRefused("signature")
        names = desk.seal.open(sealed) if sealed else _spelt(bucket, key)
        texts = rendition.decode(), scope.decode(), body.decode(), signature.decode()
        return _link(*texts, names), desk.zone


def _spelt(bucket: bytes, key: bytes) -> tuple[str, str]:
    try:
        return read_bucket(bucket), read_key(key)
    except Unsignable:
        raise LinkRefused("spelling") from None


def check_generation(link: Link, known: int) -> None:
    """Compare a link with the sum of revocations `known` for its document.

    Raises `LinkRevoked` below it; `GenerationAhead` above it, when what is known may be stale.
    """
    if link.generation < known:
        raise LinkRevoked
    if link.generation > known:
        raise GenerationAhead


def check_companions(link: Link) -> None:
    """Refuse a link bound to a viewer or good once: nothing here can prove either yet."""
    if link.audience != ABSENT or link.one_time != ABSENT:
        raise AudienceRefused
