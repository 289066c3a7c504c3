"""Targets: what the text of a link asks of a verifier, on `/d/` or on a storage route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import unquote_to_bytes

from gateway.documents import Zone
from signing.errors import LinkRefused
from signing.links import Link, Signer
from signing.storage import PLACES, PREFIX, Route

OURS: Final = b"1."


class Target(Protocol):
    """What a link's text asks for; both ways of reading it raise `LinkRefused`."""

    @property
    def token(self) -> bytes:
        """The token as it came, empty when there is none."""
        ...

    def verify(self, signer: Signer, now: int) -> Link:
        """The link, judged by its text and the time; raises `LinkExpired` too."""
        ...

    def read(self, signer: Signer) -> Link:
        """The link, whatever the time."""
        ...


@dataclass(frozen=True, slots=True)
class PathTarget:
    """A path and query as they came: a link of `/d/`, or nothing that is known."""

    raw_path: bytes = field(repr=False)
    query: bytes = field(repr=False)

    @property
    def token(self) -> bytes:
        return self.query.removeprefix(b"t=")

    def verify(self, signer: Signer, now: int) -> Link:
        return signer.verify(self.raw_path, self.query, now)

    def read(self, signer: Signer) -> Link:
        return signer.read(self.raw_path, self.query)


@dataclass(frozen=True, slots=True)
class StorageTarget:
    """A token on a storage route; `zone` is empty when the bucket is in none of them."""

    route: Route
    zone: str
    bucket: str = field(repr=False)
    key: str = field(repr=False)
    token: bytes = field(repr=False)

    def verify(self, signer: Signer, now: int) -> Link:
        self._check()
        return signer.verify_storage(self.route, self.zone, self.bucket, self.key, self.token, now)

    def read(self, signer: Signer) -> Link:
        self._check()
        return signer.read_storage(self.route, self.zone, self.bucket, self.key, self.token)

    def _check(self) -> None:
        if not self.token:
            raise LinkRefused("no-token")
        if not self.token.startswith(OURS):
            raise LinkRefused("upstream")
        if not self.zone:
            raise LinkRefused("bucket")


def target_on(raw_path: bytes, query: bytes, zones: Mapping[str, Zone]) -> Target:
    """What a request's path and query ask for."""
    for route, place in PLACES.items():
        start = f"{PREFIX}{place}/".encode()
        if raw_path.startswith(start):
            address = unquote_to_bytes(raw_path[len(start) :])
            bucket, _, key = address.decode(errors="surrogateescape").partition("/")
            zone = next((name for name, zone in zones.items() if bucket in zone.buckets), "")
            return StorageTarget(route, zone, bucket, key, _token_in(query))
    return PathTarget(raw_path, query)


def _token_in(query: bytes) -> bytes:
    parameters = (part.partition(b"=") for part in query.split(b"&"))
    return next((value for name, _, value in parameters if name == b"token"), b"")
