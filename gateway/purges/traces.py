"""Traces: what the tags of waiting purges stand for, for CDNs that know none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from cdn.providers.traces import Place
from gateway.documents import Zone
from gateway.purges.scopes import tags_of
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

    async def urls(self, provider: str, tag: str) -> Sequence[str] | None:
        """Not known: no URL of an answer is kept, so that nothing is confirmed by mistake."""
        del provider, tag
        return None

    def _named(self, scope: str, tag: str) -> Iterator[Place]:
        """What a scope with this tag is called; a folder is as large as its bucket, for no CDN
        without tags forgets a folder."""
        zone = next((zone for zone, its in tags_of(scope, self._zones) if its == tag), None)
        if zone is None:
            return
        kind, _, place = scope.partition(":")
        bucket, _, key = place.partition("/")[2].partition("/")
        if kind in "zk":
            yield from map(Place, zone.buckets)
        else:
            yield Place(bucket, key if kind == "d" else "")
