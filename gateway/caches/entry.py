"""The file format of one cache entry: a header that a torn or exchanged file cannot match."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain

Meta = dict[str, str | int]

# Magic with the format's number, length of the meta JSON, length of the body, digest of all.
_HEADER = struct.Struct(">8sIQ32s")
_MAGIC = b"ostiary1"
HEADER_SIZE = _HEADER.size


@dataclass(frozen=True, slots=True)
class CachedFile:
    """What `put` was given."""

    meta: Meta
    body: bytes


@dataclass(frozen=True, slots=True)
class Lengths:
    """What a header says of its file, in octets."""

    meta: int
    body: int
    digest: bytes

    @property
    def file(self) -> int:
        """The size that the whole file must have."""
        return HEADER_SIZE + self.meta + self.body


def pack(key: str, meta: Meta, body: bytes | memoryview) -> bytes:
    """Everything that stands before the body."""
    text = json.dumps(meta, ensure_ascii=False, separators=(",", ":")).encode()
    return _HEADER.pack(_MAGIC, len(text), len(body), _digest(key, text, (body,))) + text


def unpack(header: bytes) -> Lengths | None:
    """The header's lengths; None when it is torn or of another format."""
    if len(header) != HEADER_SIZE:
        return None
    magic, meta, body, digest = _HEADER.unpack(header)
    return Lengths(meta, body, digest) if magic == _MAGIC else None


def verified(key: str, lengths: Lengths, text: bytes, body: bytes) -> CachedFile | None:
    """The entry, if these are the octets that were written under `key`."""
    if not proven(key, lengths, text, (body,)):
        return None
    return CachedFile(json.loads(text), body)


def proven(key: str, lengths: Lengths, text: bytes, body: Iterable[bytes]) -> bool:
    """Whether these are the octets that were written under `key`, the body's piece by piece."""
    return _digest(key, text, body) == lengths.digest


def _digest(key: str, text: bytes, body: Iterable[bytes | memoryview]) -> bytes:
    """Over the key too, so that an entry under another's name is none."""
    digest = blake2b(digest_size=32)
    for part in chain((key.encode(), struct.pack(">I", len(text)), text), body):
        digest.update(part)
    return digest.digest()
