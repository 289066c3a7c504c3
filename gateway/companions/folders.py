"""Folder links: what was taken back below a folder, and folders that a browser's cookie opens.

A page that shows a folder has its browser keep the folder's token, and then shows documents by
addresses without any. The cookie's path is `/d/`, since the rendition comes before everything else.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from gateway.companions.cookies import Cookie, named
from gateway.rules import Rules
from gateway.state.ledger import Ledger
from signing.desks import CLOCK_SKEW
from signing.errors import LinkExpired, LinkRefused, LinkRevoked
from signing.folders import ABOVE, MOST, FolderLink

COOKIE: Final = "__Secure-ostiary-folder-"
"""How the names of these cookies begin; the rest stands for the folder."""

_PATH: Final = "/d/"


class HeldLink(FolderLink):
    """A folder link without a token in its address: the answer is for that browser alone."""

    __slots__ = ()


class Folders:
    """Judges folder links, and finds those that cookies hold."""

    def __init__(
        self,
        rules: Rules,
        ledger: Ledger,
    ) -> None:
        self._signer = rules.signer
        self._zones = rules.zones
        self._revocations = rules.revocations
        self._ledger = ledger

    def check(self, link: FolderLink, now: float) -> None:
        """Refuse what was revoked below the folder while the link may have been given out already.

        A folder link's generation does not count such revocations, so none opens the document
        until the longest life has passed; one that lives on then (the longest life was longer
        before) is told by the ledger. Raises `LinkRevoked`.
        """
        zone = self._zones[link.zone]
        revoked = self._revocations.alone_at(zone, link.bucket, link.key, link.folder)
        if not revoked:
            return
        over = now > revoked + zone.longest_life + CLOCK_SKEW
        if not over or self._ledger.given_before(link.id, revoked):
            raise LinkRevoked

    def held(self, raw_path: bytes, sent: bytes, now: int) -> HeldLink:
        """The link that one of the cookies makes of an address; the deepest folder's goes first.

        Raises `LinkRefused`, and `LinkExpired` where nothing but that hinders it.
        """
        error: LinkRefused | LinkExpired = LinkRefused("query")
        for text in _tokens(raw_path, sent):
            try:
                link = self._signer.verify_folder(raw_path, b"t=" + text, now)
            except LinkExpired as expired:
                error = expired
            except LinkRefused:
                continue
            else:
                return HeldLink(*link)
        raise error

    def redeem(self, claim: str, now: int) -> tuple[Cookie, str, int]:
        """The cookie of a folder's claim, its value, and the seconds that it is good for.

        Raises `LinkRefused` and `LinkExpired`, and `LinkRevoked` for what was taken back.
        """
        place, query = _parts(claim)
        # A folder is proved by any document below it, whether there is one or not.
        link = self._signer.verify_folder(b"/d/original/%b/x" % place, query, now)
        if link.place.encode() != place:
            raise LinkRefused("folder")
        self._revocations.fresh()
        if link.kid in self._revocations.keys:
            raise LinkRefused("kid")
        zone = self._zones[link.zone]
        if link.generation < self._revocations.generation(zone, link.bucket, link.folder):
            raise LinkRevoked
        token = f"{link.body}.{link.signature}"
        return cookie_of(link.place), token, link.expires_at - now

    def cookie(self, claim: str) -> Cookie:
        """The cookie that a claim is about, which need not be good."""
        return cookie_of(_parts(claim)[0].decode("latin-1"))


def cookie_of(place: str) -> Cookie:
    """The cookie of a folder: by its name it is found among any number of others."""
    digest = urlsafe_b64encode(sha256(place.encode()).digest())[:16].decode()
    return Cookie(COOKIE + digest, _PATH)


def _parts(claim: str) -> tuple[bytes, bytes]:
    """The folder's place and its query in a claim."""
    place, _, query = claim.encode(errors="replace").removeprefix(b"/d/").partition(b"/?")
    return place, query


def _tokens(raw_path: bytes, sent: bytes) -> list[bytes]:
    """What is sent for the folders that hold an address, the deepest first."""
    kept = named(sent, COOKIE.encode())
    if not kept:
        return []
    segments = raw_path.decode("latin-1").split("/")[3:]
    depths = range(min(len(segments) - 1, MOST), ABOVE, -1)
    places = ("/".join(segments[:depth]) for depth in depths)
    return [text for place in places for text in kept.get(cookie_of(place).name.encode(), ())]
