"""Targets: what the text of a link asks of a verifier, on `/d/` or on a storage route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote_to_bytes

from gateway.dropin.queries import Query
from signing.errors import LinkRefused
from signing.links import Link, Signer
from signing.storage import PLACES, PREFIX, Route


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

    @property
    def beside(self) -> bool:
        """Whether it is of a storage route that takes no token."""
        return self.raw_path.startswith(f"{PREFIX}/".encode())

    def _check(self) -> None:
        if self.beside:
            raise LinkRefused("place" if Query.parse(self.query).ours else "tokenless")

    def verify(self, signer: Signer, now: int) -> Link:
        self._check()
        return signer.verify(self.raw_path, self.query, now)

    def read(self, signer: Signer) -> Link:
        self._check()
        return signer.read(self.raw_path, self.query)


@dataclass(frozen=True, slots=True)
class StorageTarget:
    """A token on a storage route; `zone` is empty when no zone over Supabase has the bucket."""

    route: Route
    zone: str
    bucket: str = field(repr=False)
    key: str = field(repr=False)
    query: Query

    @property
    def token(self) -> bytes:
        return next(iter(self.query.tokens), b"")

    def verify(self, signer: Signer, now: int) -> Link:
        self._check()
        return signer.verify_storage(self.route, self.zone, self.bucket, self.key, self.token, now)

    def read(self, signer: Signer) -> Link:
        self._check()
        return signer.read_storage(self.route, self.zone, self.bucket, self.key, self.token)

    def _check(self) -> None:
        if not self.query.tokens:
            raise LinkRefused("no-token")
        if not self.query.ours:
            raise LinkRefused("upstream")
        if len(self.query.tokens) > 1:
            raise LinkRefused("tokens")
        if not self.zone:
            raise LinkRefused("bucket")


def target_on(raw_path: bytes, query: bytes, zones: Mapping[str, str]) -> Target:
    """What a request's path and query ask for; `zones` has the zone of each bucket at Supabase."""
    for route, place in PLACES.items():
        start = f"{PREFIX}{place}/".encode()
        if raw_path.startswith(start):
            address = unquote_to_bytes(raw_path[len(start) :])
            bucket, _, key = address.decode(errors="surrogateescape").partition("/")
            zone = zones.get(bucket, "")
            return StorageTarget(route, zone, bucket, key, Query.parse(query))
    return PathTarget(raw_path, query)
