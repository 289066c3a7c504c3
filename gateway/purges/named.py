"""Named: what a purge is about, as it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from cdn.copies import copy_tag
from cdn.tags import is_tag
from gateway.documents import DocumentRef
from gateway.errors import RequestRefused
from gateway.purges.scopes import folder_scope
from gateway.state.revocations import bucket_scope, document_scope, prefix_scope, zone_scope


class Address(NamedTuple):
    """A URL as it was given out: its document, and the digest by which a cache without tags
    calls its copy."""

    document: DocumentRef
    digest: bytes


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """What caches are to forget: documents, tags, URLs, folders, a bucket of `zone`, or all of it.

    `prefixes` are declared revocable ones, each with its zone: ("clinic", "documents/reports/").
    `folders` are any ones, written alike; what lies in folders below is not meant. `buckets` are
    more buckets, each with its zone.

    Raises `RequestRefused` (422) when it names nothing, a bucket without its zone, or a tag
    outside the grammar.
    """

    documents: tuple[DocumentRef, ...] = ()
    prefixes: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    zone: str = ""
    bucket: str = ""
    buckets: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    urls: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        places = self.prefixes or self.zone or self.buckets or self.folders
        if not (self.documents or self.tags or self.urls or places):
            raise _refused(
                "nothing-named",
                "name documents, URLs, folders, prefixes, tags, a bucket with its zone, or a zone",
            )
        if not all(map(is_tag, self.tags)):
            raise _refused("bad-tag", "a tag is 1 to 32 of a-z 0-9 . _ - and begins with a-z 0-9")

    def scopes(self) -> list[str]:
        """What this process and its siblings must forget; a tag alone names nothing here."""
        named = (*self.documents, *(address.document for address in self.urls))
        scopes = [document_scope(document) for document in named]
        scopes += [prefix_scope(zone, prefix) for zone, prefix in self.prefixes]
        scopes += [folder_scope(zone, folder) for zone, folder in self.folders]
        scopes += [bucket_scope(zone, bucket) for zone, bucket in self.buckets]
        if self.zone:
            whole = zone_scope(self.zone)
            scopes.append(bucket_scope(self.zone, self.bucket) if self.bucket else whole)
        return list(dict.fromkeys(scopes))

    def as_json(self) -> str:
        """What is kept of it: no URL, for there is a token in it."""
        tags = [*self.tags, *(copy_tag(address.digest) for address in self.urls)]
        return json.dumps(
            {"scopes": self.scopes(), "tags": tags}, ensure_ascii=False, sort_keys=True
        )


def _refused(code: str, detail: str) -> RequestRefused:
    return RequestRefused(422, code, detail)
