"""Desks: what one zone's links are issued and verified with, derived once."""

from __future__ import annotations

from signing.addresses import canonical_bucket, canonical_key
from signing.audiences import audience_by
from signing.errors import BadKey, LinkExpired, LinkRefused, Unsignable
from signing.keys import KeyRing
from signing.seals import AesSivSeal, NoSeal, Seal
from signing.signatures import UrlSigner
from signing.targets import ABSENT, EARLIEST, LATEST, LinkRequest
from signing.windows import expiry
from signing.zones import SignedZone

CLOCK_SKEW = 60


class Desk:
    """One zone with its signers and its seal; `kid` names the key that signs.

    `signers`, `folders` (of folder links), `audiences` (of viewers' ids) and `claims` (of tickets)
    are by kid.
    """

    __slots__ = ("active", "audiences", "claims", "folders", "kid", "seal", "signers", "zone")

    def __init__(self, zone: SignedZone, ring: KeyRing) -> None:
        if zone.sealed and not ring.seals:
            raise BadKey("a zone seals its addresses and no seal key is set")
        self.zone = zone
        self.kid = ring.active
        self.signers = {kid.encode(): ring.signer(kid, "read", zone.name) for kid in ring}
        self.folders = {kid.encode(): ring.signer(kid, "folder", zone.name) for kid in ring}
        self.audiences = {kid: ring.signer(kid, "aud", zone.name) for kid in ring}
        self.claims = {kid: ring.signer(kid, "claim", zone.name) for kid in ring}
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

    def expiry(self, asked: int | None, now: int, phase_text: str) -> int:
        """Return when a link issued `now` dies; raises `Unsignable` outside ten digits."""
        zone = self.zone
        expires_at = expiry(now, asked, zone.window, zone.longest_life, phase_text)
        if not EARLIEST <= expires_at <= LATEST:
            raise Unsignable("life")
        return expires_at

    def body(self, request: LinkRequest, expires_at: int) -> str:
        """Return the token of a new link, without its signature."""
        bound = f"{self.audience(request.audience, request.returns)}.{request.one_time or ABSENT}"
        return f"1.{self.kid}.{expires_at}.{request.generation}.{bound}.{request.grant.text}"

    def audience(self, viewer: str, returns: int) -> str:
        """Return what stands for the viewer whom a new link is bound to, if any."""
        return audience_by(self.audiences[self.kid], viewer, returns) if viewer else ABSENT

    def check_life(self, expires_at: int, now: int) -> None:
        """Refuse what no link of this zone may live to; raises `LinkExpired` for what is over."""
        if expires_at > now + self.zone.longest_life + CLOCK_SKEW:
            raise LinkRefused("too-far")
        if now >= expires_at:
            raise LinkExpired(expires_at)
