"""Folder links: one token that opens every document below a folder.

    target      = "/d/" rendition "/" place "/" rest "?t=" body "." sig
    body        = "1f" n "." kid "." exp "." gen "." aud ".-." grant
    signed text = "/d/" place "/?t=" body

`place` is the first n segments of the scope, whole ones: zone, bucket, `-`, and at least one of the
key. Below it everything is open, so folders are readable and live, and never good once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from signing.addresses import canonical_bucket, canonical_key
from signing.audiences import standing
from signing.desks import Desk
from signing.errors import LinkRefused, Unsignable
from signing.grammar import FOLDER_TOKEN, LONGEST_RENDITION, MAX_TARGET, PATH
from signing.grants import Grant
from signing.targets import ABSENT, LATEST, LIVE, Link, link_of

MARK: Final = b"t=1f"
"""How the query of a folder link begins, and no other's."""

ABOVE: Final = 3
"""Segments before the key: zone, bucket and version."""

MOST: Final = 99


@dataclass(frozen=True, slots=True)
class FolderRequest:
    """What a folder link is asked for: a folder, a grant and a life.

    `folder` is decoded and neither begins nor ends with a slash; `generation` is the sum of the
    revocations of the zone, the bucket and the declared prefixes that hold all of it. `audience`
    and `returns` are those of a `LinkRequest`.
    """

    zone: str
    bucket: str = field(repr=False)
    folder: str = field(repr=False)
    grant: Grant
    generation: int = 0
    expires_in: int | None = None
    audience: str = field(default="", repr=False)
    returns: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.generation <= LATEST:
            raise Unsignable("generation")
        if self.expires_in is not None and self.expires_in < 1:
            raise Unsignable("life")
        if self.audience:
            standing(self.audience, self.returns)


class Folder(NamedTuple):
    """A folder link as it is given out, before it opens any document.

    `place` and `body` are the signed texts; `bucket` and `folder` are decoded, `folder` ends with a
    slash.
    """

    place: str
    body: str
    signature: str
    zone: str
    bucket: str
    folder: str
    kid: str
    expires_at: int
    generation: int
    grant: Grant

    def __repr__(self) -> str:
        return f"<Folder {self.id}>"

    @property
    def id(self) -> str:
        """The id of every link that it makes."""
        return hashlib.sha256(self.signature.encode()).hexdigest()[:16]

    @property
    def token(self) -> str:
        return f"{self.body}.{self.signature}"

    @property
    def claim(self) -> str:
        """The signed text with its signature: place and token in one."""
        return f"/d/{self.place}/?t={self.token}"

    @property
    def template(self) -> str:
        """The targets that it opens; what stands for `{key}` is spelt as in any link."""
        return f"/d/{{rendition}}/{self.place}/{{key}}?t={self.token}"


class FolderLink(Link):
    """A link that a folder's token makes for one document below it."""

    __slots__ = ()

    @property
    def depth(self) -> int:
        """The segments of the scope that are signed."""
        return int(self.body[2 : self.body.index(".")])

    @property
    def place(self) -> str:
        """The signed segments, spelt as in the target."""
        return "/".join(self.scope.split("/")[: self.depth])

    @property
    def folder(self) -> str:
        """The folder, decoded, with a slash at its end."""
        return "".join(f"{name}/" for name in self.key.split("/")[: self.depth - ABOVE])


class FolderTarget(NamedTuple):
    """The texts of a folder link that is of the grammar; nothing is proved yet."""

    rendition: bytes
    scope: bytes
    zone: bytes
    bucket: bytes
    key: bytes
    place: bytes
    body: bytes
    kid: bytes
    signature: bytes


def parse(raw_path: bytes, query: bytes) -> FolderTarget:
    """Take a target apart by the grammar alone; raises `LinkRefused`."""
    if len(raw_path) + 1 + len(query) > MAX_TARGET:
        raise LinkRefused("length")
    token = FOLDER_TOKEN.match(query)
    if token is None:
        raise LinkRefused("token")
    path = PATH.match(raw_path)
    if path is None:
        raise LinkRefused("path")
    body, count, kid, signature = token.groups()
    rendition, scope, zone, sealed, bucket, key = path.groups()
    segments, depth = scope.split(b"/"), int(count)
    if sealed or segments[2] != LIVE.encode() or len(segments) <= depth:
        raise LinkRefused("folder")
    place = b"/".join(segments[:depth])
    return FolderTarget(rendition, scope, zone, bucket, key, place, body, kid, signature)


def read(desk: Desk, target: FolderTarget, names: tuple[str, str]) -> FolderLink:
    """Return the link of a target whose signature is right; `names` are its bucket and key."""
    if desk.zone.sealed:
        raise LinkRefused("sealed")
    rendition, scope = target.rendition.decode(), target.scope.decode()
    body, signature = target.body.decode(), target.signature.decode()
    return FolderLink(*link_of(rendition, scope, body, signature, names))


def check_signature(desk: Desk, target: FolderTarget) -> None:
    """Refuse what the folder key of the zone did not sign."""
    signed = b"/d/%b/?t=%b" % (target.place, target.body)
    if not desk.folders[target.kid].verify_signature(signed, target.signature):
        raise LinkRefused("signature")


def issue(desk: Desk, request: FolderRequest, now: int) -> Folder:
    """Return the folder link; equal requests within one window give equal ones.

    Raises `Unsignable` where the grammar can not express what is asked, in a zone that seals its
    addresses, and where not even the shortest name below the folder would fit into a target.
    """
    if desk.zone.sealed:
        raise Unsignable("sealed")
    bucket, key = canonical_bucket(request.bucket), canonical_key(request.folder)
    place = f"{desk.zone.name}/{bucket}/{LIVE}/{key}"
    depth = place.count("/") + 1
    if depth > MOST:
        raise Unsignable("folder")
    expires_at = desk.expiry(request.expires_in, now, f"/d/{place}/")
    bound = f"{desk.audience(request.audience, request.returns)}.{ABSENT}"
    said = f"{desk.kid}.{expires_at}.{request.generation}.{bound}.{request.grant.text}"
    body = f"1f{depth}.{said}"
    signer = desk.folders[desk.kid.encode()]
    signature = signer.get_signature(f"/d/{place}/?t={body}").decode()
    texts = place, body, signature, desk.zone.name, request.bucket, f"{request.folder}/"
    folder = Folder(*texts, desk.kid, expires_at, request.generation, request.grant)
    if len(folder.claim) + LONGEST_RENDITION + len("/x") > MAX_TARGET:
        raise Unsignable("length")
    return folder
