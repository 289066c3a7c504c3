"""CloudFront's standard logs: W3C extended, tabs between the fields that `#Fields` names."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from gateway.simulation.entries import Entry, moment, size, verdict

_HITS = frozenset({"Hit", "RefreshHit", "OriginShieldHit"})
_SILENT = frozenset({"", "-", "Redirect", "Error"})
# The order of the standard logs, for files whose heading was cut off.
_FIELDS = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)"),
    *("cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query"),
    *("cs(Cookie)", "x-edge-result-type"),
)


class CloudFront:
    """One log, or several one after the other: each heading orders the lines below it."""

    heading: ClassVar = "#Fields:"

    def __init__(self) -> None:
        self._order = dict(zip(_FIELDS, range(len(_FIELDS)), strict=True))

    def entry(self, line: str) -> Entry | None:
        if line.startswith("#"):
            if line.startswith(self.heading):
                names = line[len(self.heading) :].split()
                self._order = {name: place for place, name in enumerate(names)}
            return None
        values, order = line.rstrip("\r\n").split("\t"), self._order
        time = values[order["time"]]
        query = values[order["cs-uri-query"]]
        target = values[order["cs-uri-stem"]]
        return Entry(
            _minute(values[order["date"]], time[:5]) + int(time[6:8]),
            values[order["cs-method"]],
            target if query in ("-", "") else f"{target}?{query}",
            int(values[order["sc-status"]]),
            size(values[order["sc-bytes"]]),
            values[order["c-ip"]],
            values[order["x-edge-location"]].partition("-")[0],
            verdict(values[order["x-edge-result-type"]], _HITS, _SILENT),
        )


@lru_cache(maxsize=4096)
def _minute(date: str, time: str) -> float:
    return moment(f"{date}T{time}:00")
