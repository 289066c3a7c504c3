"""Links: the grammar os1, issued and verified.

One link covers a family: the rendition segment is free within what the grant allows, and no other
octet is. The verifier never normalises; a text is ours exactly as issued, or refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from signing import claims, folders, storage
from signing.addresses import read_bucket, read_key
from signing.audiences import audience_by, is_audience
from signing.desks import Desk
from signing.errors import (
    BadKey,
    BadZone,
    GenerationAhead,
    GrantRefused,
    LinkRefused,
    LinkRevoked,
    Unsignable,
)
from signing.folders import Folder, FolderLink, FolderRequest
from signing.grammar import LONGEST_RENDITION, MAX_TARGET, PATH, TOKEN
from signing.keys import KeyRing
from signing.storage import Route, StorageLink
from signing.targets import ABSENT, LIVE, Link, LinkRequest, link_of
from signing.zones import SignedZone

__all__ = [
    "LIVE",
    "Link",
    "LinkRequest",
    "SignedZone",
    "Signer",
    "check_generation",
    "check_grant",
]


class Signer:
    """Issues links with the active key and verifies those of every key in the ring."""

    __slots__ = ("_desks", "_kids", "active", "kids")

    def __init__(self, ring: KeyRing, zones: Iterable[SignedZone]) -> None:
        known = tuple(zones)
        self.active = ring.active
        self.kids = frozenset(ring)
        self._kids = {kid.encode() for kid in ring}
        self._desks = {zone.name.encode(): Desk(zone, ring) for zone in known}
        if len(self._desks) != len(known):
            raise BadZone("two zones have the same name")

    def issue(self, request: LinkRequest, now: int) -> Link:
        """Return the link; equal requests within one window give equal links.

        Raises `Unsignable` where the grammar can not express what is asked, also when the target
        would be too long with the longest rendition name.
        """
        desk = self._desk(request)
        scope = desk.scope(request)
        body = desk.body(request, desk.expiry(request.expires_in, now, f"/d/{scope}"))
        signature = desk.active.get_signature(f"/d/{scope}?t={body}").decode()
        names = request.bucket, request.key
        link = link_of(request.grant.first, scope, body, signature, names)
        if len(link.target) - len(link.rendition) + LONGEST_RENDITION > MAX_TARGET:
            raise Unsignable("length")
        return link

    def verify(self, raw_path: bytes, query: bytes, now: int) -> Link:
        """Return the link behind a request's path and query, both as they came over the wire.

        Raises `LinkRefused`, or `LinkExpired` for a link that was ours. The rendition, generation,
        audience and one-time parts are parsed and signed, and still to be judged by the caller.
        """
        link, desk = self._read(raw_path, query)
        desk.check_life(link.expires_at, now)
        return link

    def read(self, raw_path: bytes, query: bytes) -> Link:
        """Return the link as `verify` does, whatever the time: to explain it, never to serve."""
        return self._read(raw_path, query)[0]

    def audience_of(self, zone: str, kid: str, audience: str, returns: int = 0) -> str:
        """Return what stands for a viewer in the links of one zone and key.

        Raises `Unsignable` for an id that names no viewer, `BadZone` and `BadKey`.
        """
        desk = self._desks.get(zone.encode())
        if desk is None:
            raise BadZone("no zone of this name")
        if kid not in desk.audiences:
            raise BadKey("no key of this name")
        return audience_by(desk.audiences[kid], audience, returns)

    def binds(self, link: Link, audience: str, returns: int = 0) -> bool:
        """Tell in constant time whether a link is bound to the viewer of that id.

        One that was made before the last of their `returns` is not.
        """
        signer = self._desks[link.zone.encode()].audiences[link.kid]
        return is_audience(signer, audience, link.audience, returns)

    def issue_folder(self, request: FolderRequest, now: int) -> Folder:
        """Return the link of a folder; windows as for `issue`. Raises `Unsignable`."""
        return folders.issue(self._desk(request), request, now)

    def verify_folder(self, raw_path: bytes, query: bytes, now: int) -> FolderLink:
        """Return the link as `verify` does, when it is a folder's; any other is refused."""
        link, desk = self._folder(raw_path, query)
        desk.check_life(link.expires_at, now)
        return link

    def ticket(self, link: Link, now: int) -> str:
        """Return what proves for a minute that the link was used by whoever has it."""
        return claims.ticket(self._desks[link.zone.encode()].claims[link.kid], link, now)

    def admits(self, link: Link, ticket: bytes, now: int) -> bool:
        """Tell whether the ticket is one of this link, and not over."""
        return claims.holds(self._desks[link.zone.encode()].claims[link.kid], link, ticket, now)

    def issue_storage(self, request: LinkRequest, now: int) -> StorageLink:
        """Return the link of a storage route; windows as for `issue`.

        The grant tells the route: the original only, or one exact rendition. Raises `Unsignable`
        for any other, for a pinned version, and in a zone that seals its addresses.
        """
        return storage.issue(self._desk(request), request, now)

    def verify_storage(
        self, route: Route, zone: str, bucket: str, key: str, token: bytes, now: int
    ) -> StorageLink:
        """Return the link behind a storage route's token; raises as `verify` does.

        `bucket` and `key` are decoded, once; `token` is as it came over the wire.
        """
        link = self.read_storage(route, zone, bucket, key, token)
        self._desks[zone.encode()].check_life(link.expires_at, now)
        return link

    def read_storage(
        self, route: Route, zone: str, bucket: str, key: str, token: bytes
    ) -> StorageLink:
        """Return the link as `verify_storage` does, whatever the time: to explain it."""
        parts = storage.token_of(token)
        desk = self._known(parts.kid, zone.encode(errors="replace"))
        return storage.read(desk, route, (bucket, key), parts)

    def _desk(self, request: LinkRequest | FolderRequest) -> Desk:
        try:
            return self._desks[request.zone.encode()]
        except (KeyError, UnicodeEncodeError):
            raise Unsignable("zone") from None

    def _known(self, kid: bytes, zone: bytes) -> Desk:
        if kid not in self._kids:
            raise LinkRefused("kid")
        desk = self._desks.get(zone)
        if desk is None:
            raise LinkRefused("zone")
        return desk

    def _read(self, raw_path: bytes, query: bytes) -> tuple[Link, Desk]:
        """Do the checks in the order of docs/links.md, "Verifying"."""
        if len(raw_path) + 1 + len(query) > MAX_TARGET:
            raise LinkRefused("length")
        token = TOKEN.match(query)
        if token is None:
            if query.startswith(folders.MARK):
                return self._folder(raw_path, query)
            raise LinkRefused("token" if query.startswith(b"t=") else "query")
        path = PATH.match(raw_path)
        if path is None:
            raise LinkRefused("path")
        body, kid, signature = token.group(1, 2, 3)
        rendition, scope, zone, sealed, bucket, key = path.groups()
        desk = self._known(kid, zone)
        if not desk.signers[kid].verify_signature(b"/d/%b?t=%b" % (scope, body), signature):
            raise LinkRefused("signature")
        names = desk.seal.open(sealed) if sealed else _spelt(bucket, key)
        texts = rendition.decode(), scope.decode(), body.decode(), signature.decode()
        return link_of(*texts, names), desk

    def _folder(self, raw_path: bytes, query: bytes) -> tuple[FolderLink, Desk]:
        """The same checks for the token of a folder."""
        target = folders.parse(raw_path, query)
        desk = self._known(target.kid, target.zone)
        folders.check_signature(desk, target)
        return folders.read(desk, target, _spelt(target.bucket, target.key)), desk


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


def check_grant(link: Link, *, declared: bool, carries_original: bool) -> None:
    """Raise `GrantRefused` unless the link shows its rendition; as `Grant.allows`.

    One that is good once is good for one rendition: a family would leave open which.
    """
    allowed = link.grant.allows(
        link.rendition, declared=declared, carries_original=carries_original
    )
    if not allowed or (link.one_time != ABSENT and not link.grant.single):
        raise GrantRefused
