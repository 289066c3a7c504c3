"""Scopes: what a purge or a revocation names, and the tag that all answers below it have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cdn.tags import bucket_tag, document_tag, folder_tag, zone_tag
from gateway.documents import Zone
from gateway.state.jobs import NOWHERE, Within
from gateway.state.revocations import is_key

UNKNOWN = (
    "no zone has it; a scope is z:ZONE, b:ZONE/BUCKET, d:ZONE/BUCKET/KEY, v:SUBJECT, k:KID"
    " or a declared p:…/"
)


class Named(NamedTuple):
    """What a scope is called in one zone: by its tag, and by the bigger ones around it."""

    zone: Zone
    tag: str
    within: Within


def folder_scope(zone: str, folder: str) -> str:
    """`folder` is "bucket/folder/"; it can be purged, and not revoked unless it is declared."""
    return f"f:{zone}/{folder}"


def tags_of(scope: str, zones: Mapping[str, Zone]) -> list[Named]:
    """What a scope is called in each zone that it touches; nothing for what no zone has.

    A key has signed in every zone, and a viewer has no copies.
    """
    if is_key(scope):
        return [Named(zone, zone_tag(zone.name), NOWHERE) for zone in zones.values()]
    named = tag_of(scope, zones)
    return [] if named is None else [named]


def tag_of(scope: str, zones: Mapping[str, Zone]) -> Named | None:
    """The zone of a scope and its tag; None for what no zone has.

    Only the one spelling of each scope is taken: another one's counter would never be read.
    """
    kind, _, place = scope.partition(":")
    name, _, below = place.partition("/")
    bucket, _, key = below.partition("/")
    zone = zones.get(name)
    if zone is None or (kind != "z" and bucket not in zone.buckets):
        return None
    inside = Within("", bucket_tag(name, bucket), zone_tag(name))
    if kind == "z" and place == name:
        return Named(zone, zone_tag(name), NOWHERE)
    if kind == "b" and below == bucket:
        return Named(zone, bucket_tag(name, bucket), Within(zone=zone_tag(name)))
    if kind == "d" and key and not key.endswith("/"):  # a folder, whose links that would count in
        folder = folder_tag(name, bucket, key.rpartition("/")[0])
        return Named(zone, document_tag(name, bucket, key), inside._replace(folder=folder))
    if (kind == "p" and below in zone.revocable) or (kind == "f" and below.endswith("/")):
        return Named(zone, folder_tag(name, bucket, key), inside)
    return None
