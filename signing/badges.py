"""Badges: signed words that somebody is a viewer, for a while and in some zones.

    badge     = body "." signature
    body      = "1." kid "." expiry "." id "." zones "." viewer "." name
    zones     = "-" / zone *( "~" zone )
    signature = the first 32 characters of base64url(HMAC-SHA256(key, kind ":" body))
    key       = lower-case hex text of HMAC-SHA256(secret of kid, "ostiary:viewer:")

`viewer` is base64url of the viewer's standing (signing/audiences.py), `name` of UTF-8. The kind is
"claim", which an application hands to its page, or "cookie", which a browser keeps: neither stands
for the other.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from signing.audiences import standing
from signing.errors import BadgeRefused, Unsignable
from signing.grammar import ONE_TIME, ZONE
from signing.keys import KeyRing
from signing.targets import EARLIEST, LATEST

Kind: TypeAlias = Literal["claim", "cookie"]

LONGEST: Final = 2_048
LONGEST_NAME: Final = 100

# No control characters, and no half of a surrogate pair, which is no text.
_NAME = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{0,{LONGEST_NAME}}}")
_EVERY = "-"
_BADGE = re.compile(
    rf"(1\.([a-z0-9]{{1,8}})\.([1-9][0-9]{{9}})\.({ONE_TIME.pattern})"
    rf"\.(-|{ZONE.pattern}(?:~{ZONE.pattern})*)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*))"
    r"\.([A-Za-z0-9_-]{32})"
)


@dataclass(frozen=True, slots=True)
class Badge:
    """That its bearer is `viewer`, known to people as `name`, in `zones`; in all without any.

    `id` is 16 characters of base64url that no other badge has; `expires_at` is in Unix seconds,
    exclusive. `returns` is how often the viewer had been let back in after a revocation. Raises
    `Unsignable`.
    """

    id: str
    viewer: str = field(repr=False)
    expires_at: int
    name: str = field(default="", repr=False)
    zones: tuple[str, ...] = ()
    returns: int = 0

    def __post_init__(self) -> None:
        standing(self.viewer, self.returns)
        if not ONE_TIME.fullmatch(self.id):
            raise Unsignable("id")
        if not _NAME.fullmatch(self.name):
            raise Unsignable("name")
        if not all(map(ZONE.fullmatch, self.zones)):
            raise Unsignable("zone")
        if not EARLIEST <= self.expires_at <= LATEST:
            raise Unsignable("life")

    def covers(self, zone: str) -> bool:
        """Whether it says who the viewer is in that zone."""
        return not self.zones or zone in self.zones


class Badges:
    """Issues badges with the active key and reads those of every key in the ring."""

    __slots__ = ("_active", "_signers")

    def __init__(self, ring: KeyRing) -> None:
        self._active = ring.active
        self._signers = {kid: ring.signer(kid, "viewer", "") for kid in ring}

    def issue(self, kind: Kind, badge: Badge) -> str:
        """Return the text of a badge, of letters that JSON and a cookie can hold.

        Raises `Unsignable` when it is longer than 2,048 characters.
        """
        zones = "~".join(badge.zones) or _EVERY
        viewer = standing(badge.viewer, badge.returns)
        said = zones, _encoded(viewer), _encoded(badge.name)
        body = ".".join(("1", self._active, str(badge.expires_at), badge.id, *said))
        signature = self._signers[self._active].get_signature(f"{kind}:{body}").decode()
        text = f"{body}.{signature}"
        if len(text) > LONGEST:
            raise Unsignable("length")
        return text

    def read(self, kind: Kind, text: str, now: int, *, revoked: Container[str] = ()) -> Badge:
        """Return what a text says. Raises `BadgeRefused` for any that was not issued so.

        What a key signed that is `revoked` is refused as if there were no such key.
        """
        found = _BADGE.fullmatch(text) if len(text) <= LONGEST else None
        if found is None:
            raise BadgeRefused("form")
        body, kid, expiry, name, zones, viewer, shown, signature = found.groups()
        signer = self._signers.get(kid)
        if signer is None or kid in revoked:
            raise BadgeRefused("kid")
        if not signer.verify_signature(f"{kind}:{body}", signature):
            raise BadgeRefused("signature")
        if now >= int(expiry):
            raise BadgeRefused("expired")
        named = () if zones == _EVERY else tuple(zones.split("~"))
        who, _, returns = _decoded(viewer).partition("\n")
        return Badge(name, who, int(expiry), _decoded(shown), named, int(returns or 0))


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(text: str) -> str:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
