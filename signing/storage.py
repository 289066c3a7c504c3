"""The storage routes: the same token behind `?token=`, for `object/sign` and `render/image/sign`.

The path stays readable and is signed decoded, because clients of these routes spell it as they
please. A link opens one route: the original, or the one rendition that its grant names.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from signing.addresses import canonical_bucket, canonical_key, check_bucket, check_key
from signing.desks import Desk
from signing.errors import LinkRefused, Unsignable
from signing.grammar import MAX_TARGET, STORAGE_TOKEN
from signing.grants import ORIGINAL, Covers
from signing.targets import ABSENT, LIVE, Link, LinkRequest, said_by

Route = Literal["object", "render"]

PREFIX: Final = "/storage/v1"
PLACES: Final[dict[Route, str]] = {"object": "/object/sign", "render": "/render/image/sign"}

_OPEN: Final[dict[Route, tuple[Covers, ...]]] = {
    "object": ("original", "all"),
    "render": ("exact",),
}
# More than stands around bucket and key in any target, so that most need not be spelt to be judged.
_AROUND = 256


class StorageLink(Link):
    """A link of the storage routes; `scope` is zone, bucket and key, decoded."""

    __slots__ = ()

    @property
    def route(self) -> Route:
        """The route that it opens."""
        return "object" if self.rendition == ORIGINAL else "render"

    @property
    def target(self) -> str:
        """The path and query below `/storage/v1`, decoded: the form that storage clients encode."""
        place = PLACES[self.route]
        return f"{place}/{self.bucket}/{self.key}?token={self.body}.{self.signature}"

    def for_rendition(self, name: str) -> str:
        """Refuse: no other rendition has the same token."""
        raise Unsignable("rendition")


class Token(NamedTuple):
    """The texts of a token that is of the grammar; nothing is proved yet."""

    body: bytes
    kid: bytes
    signature: bytes


def token_of(text: bytes) -> Token:
    """Take a token apart by the grammar alone."""
    found = STORAGE_TOKEN.match(text)
    if found is None:
        raise LinkRefused("token")
    return Token(*found.group(1, 2, 3))


def issue(desk: Desk, request: LinkRequest, now: int) -> StorageLink:
    """Return the link; equal requests within one window give equal links.

    Raises `Unsignable` for what these routes can not express, also when the target would be too
    long once its path is percent-encoded.
    """
    _check(desk, request)
    bucket, key, grant = request.bucket, request.key, request.grant
    scope = f"{desk.zone.name}/{bucket}/{key}"
    path = f"{PREFIX}/{scope}"
    expires_at = desk.expiry(request.expires_in, now, path)
    body = desk.body(request, expires_at)
    signature = desk.active.get_signature(f"{path}?token={body}").decode()
    texts = grant.first, scope, body, signature, bucket, key, desk.zone.name, False, LIVE
    said = desk.kid, expires_at, request.generation, ABSENT, ABSENT, grant
    link = StorageLink(*texts, *said)
    if 3 * len(scope.encode()) + _AROUND > MAX_TARGET and _length(link) > MAX_TARGET:
        raise Unsignable("length")
    return link


def read(desk: Desk, route: Route, names: tuple[str, str], token: Token) -> StorageLink:
    """Return the link that a token makes of bucket and key, both decoded, whatever the time."""
    zone, (bucket, key) = desk.zone.name, names
    scope = f"{zone}/{bucket}/{key}"
    try:
        signed = b"%b?token=%b" % (f"{PREFIX}/{scope}".encode(), token.body)
    except UnicodeEncodeError:
        raise LinkRefused("spelling") from None
    if not desk.signers[token.kid].verify_signature(signed, token.signature):
        raise LinkRefused("signature")
    try:
        check_bucket(bucket)
        check_key(key)
    except Unsignable:
        raise LinkRefused("spelling") from None
    body = token.body.decode()
    said = said_by(body)
    grant = said[-1]
    if grant.covers not in _OPEN[route]:
        raise LinkRefused("route")
    if said[4] != ABSENT:
        raise LinkRefused("one-time")
    texts = grant.first, scope, body, token.signature.decode(), bucket, key, zone, False, LIVE
    return StorageLink(*texts, *said)


def _check(desk: Desk, request: LinkRequest) -> None:
    if desk.zone.sealed:
        raise Unsignable("sealed")
    if request.version != LIVE:
        raise Unsignable("version")
    if request.audience:
        raise Unsignable("audience")
    if request.one_time:
        raise Unsignable("one-time")
    if request.grant.covers not in ("original", "exact"):
        raise Unsignable("grant")
    check_bucket(request.bucket)
    check_key(request.key)


def _length(link: StorageLink) -> int:
    """The octets of the request target once its path is spelt the canonical way."""
    names = f"{link.bucket}{link.key}"
    spelt = f"{canonical_bucket(link.bucket)}{canonical_key(link.key)}"
    return len(PREFIX) + len(link.target) - len(names) + len(spelt)
