"""Buckets of a Supabase project, and one document of each to try things with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Self, cast

from gateway.errors import Answer
from gateway.supabase.upstream import quoted
from gateway.survey.checks import Check, listed
from gateway.survey.probe import Probe
from signing.addresses import canonical_bucket
from signing.errors import Unsignable

MOST = 20
"""Buckets that are looked into; a project may have thousands."""

_FEW = 10


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; anybody may read a `public` one."""

    name: str
    public: bool

    @property
    def addressable(self) -> bool:
        """Whether links can name it."""
        try:
            canonical_bucket(self.name)
        except Unsignable:
            return False
        return True


def buckets_in(answer: Answer) -> tuple[Bucket, ...]:
    """The buckets of a list of them; what is no bucket is left out."""
    return tuple(
        Bucket(name, row.get("public") is True)
        for row in _rows(answer.body)
        if isinstance(name := row.get("id"), str) and name
    )


def bucket_checks(every: Sequence[Bucket], wanted: Sequence[str]) -> Iterator[Check]:
    """What there is to deliver from."""
    names = {bucket.name for bucket in every}
    if missing := [name for name in wanted if name not in names]:
        hint = f"there are: {listed(sorted(names))}" if names else "the project has none"
        yield Check("buckets", "fail", f"not there: {listed(missing)}", hint)
        return
    chosen = [one for one in every if not wanted or one.name in wanted]
    if odd := [one.name for one in chosen if not one.addressable]:
        hint = "names begin with no ~ and have 100 octets at most"
        yield Check("buckets", "warn", f"left out: {len(odd)} that no link can name", hint)
    usable = [one for one in chosen if one.addressable]
    if not usable:
        hint = "make one, or is this a service key?"
        yield Check("buckets", "fail", "there is none to deliver from", hint)
        return
    told = [f"{one.name} ({'public' if one.public else 'private'})" for one in usable]
    yield Check("buckets", "ok", listed(told))


@dataclass(frozen=True, slots=True)
class Samples:
    """The path of one document in each bucket that has any, as upstream spells it."""

    buckets: tuple[Bucket, ...]
    paths: Mapping[Bucket, str] = field(repr=False)

    @classmethod
    async def of(cls, probe: Probe, key: str, buckets: Sequence[Bucket]) -> Self:
        """Look in the first `MOST` of addressable buckets; raises `UpstreamUnavailable`."""
        looked = tuple(buckets[:MOST])
        found = {bucket: await _first(probe, key, bucket.name) for bucket in looked}
        return cls(looked, {bucket: path for bucket, path in found.items() if path})

    async def octets_check(self, probe: Probe, key: str) -> Check:
        """Whether the service key can read an octet of one, and what names its version."""
        for bucket, path in self.paths.items():
            target = f"/object/authenticated/{path}?cacheNonce={token_hex(8)}"
            answer = await probe.ask("GET", target, key, fields=[("range", "bytes=0-0")])
            return _octets(bucket.name, answer)
        return Check("bytes", "ok", "there is no document yet to try it with")


async def _first(probe: Probe, key: str, bucket: str) -> str:
    """The path of a document that links can name; "" where the server lists none."""
    body = {"prefix": "", "limit": _FEW}
    answer = await probe.ask("POST", f"/object/list-v2/{canonical_bucket(bucket)}", key, body=body)
    objects = answer.said.get("objects")
    for row in cast(list[object], objects) if isinstance(objects, list) else []:
        match row:
            case {"name": str() as name}:
                try:
                    return quoted(bucket, name)
                except Unsignable:
                    continue
            case _:
                continue
    return ""


def _octets(bucket: str, answer: Answer) -> Check:
    if answer.true_status == 416:
        return Check("bytes", "ok", f"can be read from {bucket}")
    if answer.status not in (200, 206):
        hint = "does the storage server reach its own files?"
        return Check("bytes", "fail", f"{bucket}: status {answer.true_status} for a document", hint)
    etag = dict(answer.fields).get(b"etag", b"")
    if not etag.strip(b'W/"'):
        hint = "let the proxy in front of storage pass the ETag field on"
        return Check("bytes", "fail", f"{bucket}: a document comes without an ETag", hint)
    if etag.startswith(b"W/"):
        hint = "does a proxy in front of storage change bodies? that would break documents"
        return Check("bytes", "warn", f"{bucket}: a document's ETag is weak", hint)
    return Check("bytes", "ok", f"can be read from {bucket}, with a strong ETag")


def _rows(body: bytes) -> Iterator[Mapping[str, object]]:
    try:
        listing: object = json.loads(body)
    except (ValueError, RecursionError):
        return
    for row in cast(list[object], listing) if isinstance(listing, list) else []:
        if isinstance(row, dict):
            yield cast(dict[str, object], row)
