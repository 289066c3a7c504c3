"""Targets: what a link is asked for, and the link as it stands in a request's target."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from signing.audiences import standing
from signing.errors import Unsignable
from signing.grammar import EXTENSION, ONE_TIME, RENDITION, VERSION
from signing.grants import Grant

LIVE: Final = "-"
ABSENT: Final = "-"
EARLIEST, LATEST = 1_000_000_000, 9_999_999_999


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What a link is asked for: a document, a grant and a life.

    `bucket` and `key` are decoded. `version` is `-` for the live document, else its 22 characters;
    `expires_in` is in seconds, None for two of the zone's windows. `extension` ends a sealed
    address, for CDNs that decide by it; a readable address has its own and leaves it out.
    `audience` is the id of the one viewer whom it is for, usually their token's `sub`, empty for
    whoever has it; `returns` is how often that viewer was let back in after a revocation.
    `one_time` is a name that no other link has, 16 characters of base64url, for a link that is good
    for one delivery of one rendition; empty for any number.
    """

    zone: str
    bucket: str = field(repr=False)
    key: str = field(repr=False)
    grant: Grant
    version: str = LIVE
    generation: int = 0
    expires_in: int | None = None
    extension: str = ""
    audience: str = field(default="", repr=False)
    one_time: str = ""
    returns: int = 0

    def __post_init__(self) -> None:
        if not VERSION.fullmatch(self.version):
            raise Unsignable("version")
        if not 0 <= self.generation <= LATEST:
            raise Unsignable("generation")
        if self.expires_in is not None and self.expires_in < 1:
            raise Unsignable("life")
        if self.extension and not EXTENSION.fullmatch(self.extension):
            raise Unsignable("extension")
        if self.audience:
            standing(self.audience, self.returns)
        if self.one_time and not (ONE_TIME.fullmatch(self.one_time) and self.grant.single):
            raise Unsignable("one-time")


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


def link_of(rendition: str, scope: str, body: str, signature: str, names: tuple[str, str]) -> Link:
    """Take texts of the grammar apart, once: a delivery asks for their parts some twenty times."""
    zone, place, version, _ = scope.split("/", 3)
    texts = rendition, scope, body, signature, *names, zone, place == "~", version
    return Link(*texts, *said_by(body))


def said_by(body: str) -> tuple[str, int, int, str, str, Grant]:
    """Return what a body of the grammar says, from its key's name to its grant."""
    _, kid, expires_at, generation, audience, one_time, grant = body.split(".", 6)
    return kid, int(expires_at), int(generation), audience, one_time, Grant.parse(grant)
