"""Scopes: what a purge or a revocation names, and the tag that all answers below it have."""

from __future__ import annotations

from collections.abc import Mapping

from cdn.tags import bucket_tag, document_tag, folder_tag, zone_tag
from gateway.documents import Zone
from gateway.state.revocations import is_key

UNKNOWN = (
    "no zone has it; a scope is z:ZONE, b:ZONE/BUCKET, d:ZONE/BUCKET/KEY, v:SUBJECT, k:KID"
    " or a declared p:…/"
)


def tags_of(scope: str, zones: Mapping[str, Zone]) -> list[tuple[Zone, str]]:
    """The zones that a scope touches, each with its tag there; none for what no zone has.

    A key has signed in every zone, and a viewer has no copies.
    """
    if is_key(scope):
        return [(zone, zone_tag(zone.name)) for zone in zones.values()]
    named = tag_of(scope, zones)
    return [] if named is None else [named]


def tag_of(scope: str, zones: Mapping[str, Zone]) -> tuple[Zone, str] | None:
    """The zone of a scope and its tag; None for what no zone has.

    Only the one spelling of each scope is taken: another one's counter would never be read.
    """
    kind, _, place = scope.partition(":")
    name, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    zone = zones.get(name)
    if zone is None or (kind != "z" and bucket not in zone.buckets):
        return None
    if kind == "z" and place == name:
        return zone, zone_tag(name)
    if kind == "b" and below == bucket:
        return zone, bucket_tag(name, bucket)
    if kind == "d" and key and not key.endswith("/"):  # a folder, whose links that would count in
        return zone, document_tag(name, bucket, key)
    if kind == "p" and below in zone.revocable:
        return zone, folder_tag(name, bucket, key)
    return None
