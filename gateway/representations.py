"""Representations: what a document looks like on the wire, as the original or a rendition of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol, TypeAlias

from cdn.tags import Tags
from gateway.documents import Document, DocumentRef, Zone
from gateway.wire.dispositions import content_disposition
from gateway.wire.heads import Head
from gateway.wire.media import MediaType
from gateway.wire.preconditions import Validators
from gateway.wire.ranges import ByteRange
from gateway.wire.security import security_fields
from imaging.media import DICOM

Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]

# Media type of a rendition → its extension, and how its name ends.
FORMATS = {
    b"image/jpeg": ("jpg", "-jpeg"),
    b"image/png": ("png", "-png"),
    b"image/webp": ("webp", "-webp"),
    b"image/avif": ("avif", "-avif"),
    b"text/plain; charset=utf-8": ("txt", "-text"),
}
# What holds the document whole, in its own format, keeps its name.
_WHOLE = ("original", "linear")


class Source(Protocol):
    """Where octets come from that are not in memory."""

    def cost(self, document: Document) -> int:
        """The octets of memory that one stream may hold."""
        ...

    def stream(
        self, document: Document, parts: Sequence[bytes | ByteRange]
    ) -> AsyncGenerator[bytes | memoryview, None]:
        """Octets in hand and ranges, in order, in chunks."""
        ...


# A DICOM file's frame is shown through one window and in lossy bytes: nobody may diagnose by it.
PREVIEW = (b"ostiary-preview", b"non-diagnostic")
WEIGHT = b"ostiary-weight"
"""The field that tells of a rendition heavier than its original, sent or not."""


@dataclass(frozen=True, slots=True)
class Representation:
    """One selected representation (RFC 9110 section 3.2) of one version of a document.

    `name` is `original` or a rendition's canonical name with its format; `etag` carries its
    quotes; `body` is None when the octets are streamed, from `source` or else from the document's
    store; `final` is False while a better one is to be expected at the same name; `heavier` says
    that a rendition has no fewer octets than its original, `marked` that a mark is drawn over it;
    `placeholder` is what stands for the
    document until a picture of it is there.
    """

    document: Document
    name: str
    etag: bytes
    media: MediaType
    size: int
    body: bytes | None
    final: bool = True
    source: Source | None = None
    placeholder: bytes = b""
    heavier: bool = False
    marked: bool = False

    @property
    def filename(self) -> str:
        """The name to save it under: the key's last segment, with the rendition's extension."""
        name = self.document.ref.key.rsplit("/", 1)[-1]
        if self.name in _WHOLE:
            return name
        stem = name.rsplit(".", 1)[0] or name
        extension, form = FORMATS.get(self.media.text, ("bin", ""))
        return f"{stem} {self.name.removesuffix(form)}.{extension}"


@dataclass(frozen=True, slots=True)
class Ready:
    """A representation with the fields that no request changes, made once and sent many times.

    `inline` and `download` begin every 200; `unchanged` is their share that a 304 keeps.
    """

    representation: Representation
    validators: Validators
    tags: Tags
    inline: Head
    download: Head
    unchanged: Head

    @property
    def weight(self) -> int:
        """Octets it takes in memory, roughly."""
        return len(self.representation.body or b"") + 2_048


def ready(representation: Representation, zone: Zone, *, corp: str) -> Ready:
    """Write the fixed fields of a representation (RFC 9110 sections 8 and 15.4.5)."""
    media = representation.media
    lasting: list[tuple[bytes, bytes]] = [
        (b"etag", representation.etag),
        (b"last-modified", http_date(representation.document.modified_at)),
        *security_fields(corp, pdf=media.pdf),
    ]
    if representation.document.sniffed == DICOM and representation.name != "original":
        lasting.append(PREVIEW)
    if representation.heavier:
        lasting.append((WEIGHT, b"heavier;original=%d" % representation.document.size))
    if zone.cors:
        lasting.append((b"access-control-allow-origin", b"*"))
        lasting.append((b"access-control-expose-headers", b"*"))
    described = [(b"accept-ranges", b"bytes"), (b"content-type", media.text)]
    name = representation.filename
    shown = content_disposition("inline" if media.inline else "attachment", name)
    saved = content_disposition("attachment", name)
    document = representation.document
    ref = document.ref
    return Ready(
        representation,
        Validators(representation.etag, document.modified_at),
        tags_of(zone, ref, document.version),
        inline=Head((*lasting, *described, (b"content-disposition", shown))),
        download=Head((*lasting, *described, (b"content-disposition", saved))),
        unchanged=Head(tuple(lasting)),
    )


def tags_of(zone: Zone, ref: DocumentRef, version: str) -> Tags:
    """The tags of an answer: also those of the revocable prefixes that the document lies below."""
    prefixes = [
        prefix.removeprefix(f"{ref.bucket}/")
        for prefix in zone.revocable_prefixes(ref.bucket, ref.key)
    ]
    return Tags.of(ref.zone, ref.bucket, ref.key, version, prefixes)


def http_date(seconds: int) -> bytes:
    """An IMF-fixdate (RFC 9110 section 5.6.7)."""
    return formatdate(seconds, usegmt=True).encode()
