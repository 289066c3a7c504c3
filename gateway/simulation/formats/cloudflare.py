"""Cloudflare's Logpush of `http_requests`, an object a line."""

from __future__ import annotations

from typing import ClassVar

from gateway.simulation.entries import Entry, verdict
from gateway.simulation.formats.rows import octets, row_of, text, time

HITS = frozenset({"hit", "stale", "updating", "revalidated", "stream_hit"})
SILENT = frozenset({"", "unknown", "none"})


class Cloudflare:
    """Needs EdgeStartTimestamp, ClientRequestMethod, ClientRequestURI and EdgeResponseStatus.

    ClientIP, EdgeColoCode, CacheCacheStatus and a field of octets make it say more.
    """

    heading: ClassVar = ""

    def entry(self, line: str) -> Entry | None:
        row = row_of(line)
        if row is None:
            return None
        sent = row.get("EdgeResponseBodyBytes", row.get("EdgeResponseBytes"))
        return Entry(
            time(row.get("EdgeStartTimestamp") or row["EdgeEndTimestamp"]),
            text(row["ClientRequestMethod"]),
            text(row["ClientRequestURI"]),
            int(text(row["EdgeResponseStatus"])),
            octets(sent),
            text(row.get("ClientIP")),
            text(row.get("EdgeColoCode")),
            verdict(text(row.get("CacheCacheStatus")).lower(), HITS, SILENT),
        )
