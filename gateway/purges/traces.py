"""Traces: what the tags of waiting purges stand for, for CDNs that know none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence

from cdn.providers.traces import Place
from gateway.documents import Zone
from gateway.purges.scopes import Named, tags_of
from gateway.state import copies
from gateway.state.database import Database

_ASKED = (
    "SELECT DISTINCT asked FROM purge JOIN purge_wait ON purge_wait.purge = purge.id"
    " JOIN purge_job ON purge_job.id = purge_wait.job"
    " WHERE purge_job.provider = ? AND purge_job.tag = ? AND purge_job.state = 'leased'"
)


class PurgeTraces:
    """Reads the places back from what was asked: a tag is a digest, but its purge has the names."""

    def __init__(self, database: Database, zones: Mapping[str, Zone]) -> None:
        self._database = database
        self._zones = zones

    async def places(self, provider: str, tag: str) -> Sequence[Place]:
        """The documents and buckets that `tag` stands for in purges leased for `provider`."""

        def find(connection: sqlite3.Connection) -> list[str]:
            return [asked for (asked,) in connection.execute(_ASKED, (provider, tag))]

        asked = await self._database.read(find)
        scopes = {scope for one in asked for scope in json.loads(one)["scopes"]}
        found = (place for scope in sorted(scopes) for place in self._named(scope, tag))
        return list(dict.fromkeys(found))

    async def copies(self, tag: str) -> Collection[bytes]:
        """The digests of the answers with the tag that were noted before they were sent."""
        return await self._database.read(lambda connection: copies.known(connection, tag))

    def _named(self, scope: str, tag: str) -> Iterator[Place]:
        """What is called by this tag because of a scope: the scope itself, or, in a queue that was
        collapsed, what it lies in."""
        for named in tags_of(scope, self._zones):
            if tag == named.tag:
                yield from _places(scope, named)
            elif tag == named.within.zone:
                yield from map(Place, named.zone.buckets)
            elif tag in named.within:
                yield Place(_bucket_and_key(scope)[0])


def _places(scope: str, named: Named) -> Iterator[Place]:
    """A folder is as large as its bucket, for no CDN without tags forgets a folder."""
    kind, (bucket, key) = scope[0], _bucket_and_key(scope)
    if kind in "zk":
        yield from map(Place, named.zone.buckets)
    else:
        yield Place(bucket, key if kind == "d" else "")


def _bucket_and_key(scope: str) -> tuple[str, str]:
    bucket, _, key = scope.partition(":")[2].partition("/")[2].partition("/")
    return bucket, key
