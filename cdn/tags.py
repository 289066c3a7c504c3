"""Tags: the portable names under which shared caches keep answers and forget them again.

A tag is the SHA-256 of what it names, so that a cache's logs and interface show nobody's bucket
or key. The grammar is what every CDN takes: Akamai forbids ":", CloudFront and Cloudflare fold
case, Bunny keeps 1,024 octets of tags in all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MOST_TAGS = 8
_GRAMMAR = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


def _tag(kind: str, *parts: str) -> str:
    # NUL can stand in none of the parts (the link grammar refuses it), so no two lists collide.
    return f"{kind}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:20]}"


def document_id(zone: str, bucket: str, key: str) -> str:
    """The name of a document in tags, logs and the ledger: "d-" and 20 hex digits."""
    return _tag("d", zone, bucket, key)


def document_tag(zone: str, bucket: str, key: str) -> str:
    """The tag of every version and rendition of a document; it is the document's id."""
    return document_id(zone, bucket, key)


def version_tag(zone: str, bucket: str, key: str, version: str) -> str:
    """The tag of every rendition of one version of a document."""
    return _tag("v", zone, bucket, key, version)


def folder_tag(zone: str, bucket: str, prefix: str) -> str:
    """The tag of a folder, with or without the slash at its end; "" is the bucket's top."""
    return _tag("f", zone, bucket, prefix.rstrip("/"))


def bucket_tag(zone: str, bucket: str) -> str:
    """The tag of every document of a bucket."""
    return _tag("b", zone, bucket)


def zone_tag(zone: str) -> str:
    """The tag of every document of a zone."""
    return _tag("z", zone)


def is_tag(text: str) -> bool:
    """Whether `text` is a tag that every supported CDN keeps as it is."""
    return _GRAMMAR.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Tags:
    """One to eight different tags of one answer.

    Raises ValueError for none, for more than eight, and for one outside the grammar.
    """

    names: tuple[str, ...]
    _rendered: dict[bytes, bytes] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= MOST_TAGS:
            raise ValueError(f"an answer has 1 to {MOST_TAGS} tags, not {len(self.names)}")
        if len(set(self.names)) < len(self.names):
            raise ValueError("a tag stands twice")
        if not all(map(is_tag, self.names)):
            raise ValueError("a tag is outside [a-z0-9][a-z0-9._-]{0,31}")

    @classmethod
    def of(
        cls, zone: str, bucket: str, key: str, version: str, prefixes: Iterable[str] = ()
    ) -> Tags:
        """The tags of a version of a document: document, version, bucket, zone, parent folder.

        `prefixes` are further folders of the bucket that may be revoked as a whole; each gets its
        own tag, since a parent's tag says nothing of the folders above it.
        """
        folders = [folder_tag(zone, bucket, prefix) for prefix in prefixes]
        folders.append(folder_tag(zone, bucket, key.rpartition("/")[0]))
        names = [
            document_tag(zone, bucket, key),
            version_tag(zone, bucket, key, version),
            bucket_tag(zone, bucket),
            zone_tag(zone),
            *folders,
        ]
        return cls(tuple(dict.fromkeys(names)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def joined(self, separator: bytes) -> bytes:
        """The value of a tag field; built once for each separator, it is on the hot path."""
        known = self._rendered.get(separator)
        if known is None:
            known = self._rendered[separator] = separator.join(n.encode() for n in self.names)
        return known
