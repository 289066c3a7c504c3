"""What the words of a command line name: zones, buckets, documents, prefixes and links."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import click

from gateway.configuration.nearest import nearest
from gateway.documents import DocumentRef, Zone
from gateway.settings import Settings
from signing.addresses import canonical_key
from signing.errors import Unsignable

# Files of a folder that a hint may cost to look at.
_LOOKED_AT = 10_000
# Where the path of a link begins after a host without its scheme.
_PLACES = re.compile(r"/(?:d|storage/v1)/")


def zone_of(text: str, zones: Mapping[str, Zone]) -> Zone:
    """The zone of that name."""
    if text not in zones:
        raise click.BadParameter(f"there is no zone {text!r}{_meant(text, zones)}")
    return zones[text]


def bucket_of(text: str, zones: Mapping[str, Zone]) -> tuple[Zone, str]:
    """The zone and the bucket that `zone/bucket` names."""
    name, _, bucket = text.partition("/")
    if not bucket:
        raise click.BadParameter(f"{text!r} is not ZONE/BUCKET")
    zone = zone_of(name, zones)
    if bucket not in zone.buckets:
        meant = _meant(bucket, zone.buckets)
        raise click.BadParameter(f"zone {name} has no bucket {bucket!r}{meant}")
    return zone, bucket


def document_of(text: str, zones: Mapping[str, Zone]) -> DocumentRef:
    """The document that `zone/bucket/key` names; whether it is there is the store's business."""
    name, _, rest = text.partition("/")
    bucket, _, key = rest.partition("/")
    if not key:
        raise click.BadParameter(f"{text!r} is not ZONE/BUCKET/KEY")
    bucket_of(f"{name}/{bucket}", zones)
    try:
        canonical_key(key)
    except Unsignable:
        raise click.BadParameter(
            f"{key!r} can not be a document's name: 1 to 1,024 octets of UTF-8 without empty or"
            " dot segments, backslash and control characters"
        ) from None
    return DocumentRef(name, bucket, key)


def prefix_of(text: str, zones: Mapping[str, Zone]) -> tuple[Zone, str]:
    """The zone and the declared prefix, "bucket/prefix/", that `zone/bucket/prefix/` names."""
    name, _, prefix = text.partition("/")
    zone = zone_of(name, zones)
    if prefix not in zone.revocable:
        hint = _meant(prefix, zone.revocable) if zone.revocable else "; it declares none"
        raise click.BadParameter(f"zone {name} declares no prefix {prefix!r} as revocable{hint}")
    return zone, prefix


def folder_of(text: str, zones: Mapping[str, Zone]) -> tuple[Zone, str]:
    """The zone and the folder, "bucket/folder/", that `zone/bucket/folder/` names."""
    name, _, folder = text.partition("/")
    zone = zone_of(name, zones)
    bucket, _, below = folder.partition("/")
    bucket_of(f"{name}/{bucket}", zones)
    if below and not below.endswith("/"):
        raise click.BadParameter(f"{text!r} is no folder: it ends with a slash")
    return zone, f"{bucket}/{below}"


def viewer_of(text: str) -> str:
    """The subject of a viewer's token; whether there is such a viewer nobody here knows."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise click.BadParameter("a viewer's subject is text in UTF-8") from None
    if not text:
        raise click.BadParameter("a viewer's subject is not empty")
    return text


def target_of(url: str) -> tuple[bytes, bytes]:
    """The raw path and query of a link: whole, without its scheme, or from its path on."""
    text = url.strip().partition("#")[0]
    if "://" in text:
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    elif not text.startswith("/") and (found := _PLACES.search(text)):
        text = text[found.start() :]
    raw_path, _, query = os.fsencode(text).partition(b"?")
    return raw_path, query


def like_document(ref: DocumentRef, settings: Settings) -> str:
    """The name in a folder store that is most like a document's which is not there, or ""."""
    zone = settings.zones[ref.zone]
    address = settings.addresses()[zone.store]
    if address.kind != "folder":
        return ""
    return nearest(ref.key, islice(_below(Path(address.root) / ref.bucket), _LOOKED_AT))


def _below(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name).relative_to(folder).as_posix()


def _meant(word: str, words: Iterable[str]) -> str:
    known = list(words)
    if near := nearest(word, known):
        return f"; did you mean {near}?"
    return f"; there are: {', '.join(known) or 'none'}"
