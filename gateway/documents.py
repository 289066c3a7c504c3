"""Documents and the zones they belong to: the nouns everything else speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from cdn.tags import document_id
from gateway.wire.media import MediaType

CacheMode = Literal["private", "windowed", "edge", "revalidate"]
Pull = Literal["anyone", "cdn"]


class DocumentRef(NamedTuple):
    """Which document: a zone's bucket and a key in it, both decoded."""

    zone: str
    bucket: str
    key: str

    @property
    def id(self) -> str:
        """The document's name in tags, logs and the ledger; it tells nothing of the key."""
        return document_id(self.zone, self.bucket, self.key)


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document as its store describes it.

    `version` is the 22 characters of the link grammar that stand for `identity`, the store's
    version id or ETag; `etag` is the strong validator without its quotes; `sniffed` is the media
    type that the bytes themselves show, empty when they show none; `modified_at` is in Unix
    seconds.
    """

    ref: DocumentRef
    id: str
    identity: str
    version: str
    etag: str
    media: MediaType
    sniffed: str
    size: int
    modified_at: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A policy domain: its buckets, who may cache their documents for how long, and where.

    Times are whole seconds. `home` is empty when the zone is bound to no region.
    """

    name: str
    store: str
    buckets: tuple[str, ...]
    cache: CacheMode = "private"
    window: int = 900
    longest_life: int = 86_400
    ttl: int = 86_400
    stale_while_revalidate: int = 0
    stale_if_error: int = 0
    public_url: str = ""
    home: str = ""
    allowed: tuple[str, ...] = ()
    revocable: tuple[str, ...] = ()
    sealed: bool = False
    cors: bool = False
    prefetch: bool = False
    cdn: tuple[str, ...] = ()
    pull: Pull = "anyone"

    def revocable_prefixes(self, bucket: str, key: str) -> list[str]:
        """The declared prefixes ("bucket/prefix/") that this document lies below."""
        name = f"{bucket}/{key}"
        return [prefix for prefix in self.revocable if name.startswith(prefix)]
