"""Supabase's `edge_logs`, as JSON: nested `metadata`, or a map `log_attributes` of dotted names."""

from __future__ import annotations

from typing import ClassVar, cast

from gateway.simulation.entries import Entry, verdict
from gateway.simulation.formats.cloudflare import HITS, SILENT
from gateway.simulation.formats.rows import Row, octets, row_of, text, time


class Supabase:
    """Rows of the Logs Explorer or of a drain; Cloudflare stands before every project."""

    heading: ClassVar = ""

    def entry(self, line: str) -> Entry | None:
        row = row_of(line)
        if row is None:
            return None
        request, asked, cf, response, answered = _sections(row)
        return Entry(
            time(row["timestamp"]),
            text(request["method"]),
            text(request["path"]) + text(request.get("search")),
            int(text(response["status_code"])),
            octets(answered.get("content_length")),
            text(asked.get("cf_connecting_ip")) or text(asked.get("x_real_ip")),
            text(cf.get("colo")),
            verdict(text(answered.get("cf_cache_status")).lower(), HITS, SILENT),
        )


def _sections(row: Row) -> tuple[Row, Row, Row, Row, Row]:
    """The request, its fields and its place, the answer and its fields."""
    flat = row.get("log_attributes")
    if isinstance(flat, dict):
        return _flat(cast(Row, flat))
    metadata = _only(row.get("metadata"))
    request, response = _only(metadata.get("request")), _only(metadata.get("response"))
    asked, cf = _only(request.get("headers")), _only(request.get("cf"))
    return request, asked, cf, response, _only(response.get("headers"))


def _flat(row: Row) -> tuple[Row, Row, Row, Row, Row]:
    """The same out of dotted names."""
    sections: dict[str, dict[str, object]] = {}
    for name, value in row.items():
        place, _, last = name.rpartition(".")
        sections.setdefault(place, {})[last] = value
    request, asked, cf = (sections.get(f"request{end}", {}) for end in ("", ".headers", ".cf"))
    return request, asked, cf, sections.get("response", {}), sections.get("response.headers", {})


def _only(value: object) -> Row:
    """An object, also one that stands alone in a list, as the old explorer nests them."""
    if isinstance(value, list) and value:
        value = cast("list[object]", value)[0]
    return cast(Row, value) if isinstance(value, dict) else {}
