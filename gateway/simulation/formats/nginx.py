"""nginx's `combined` lines, and what begins like them: Apache's, varnishncsa's."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import ClassVar

from gateway.simulation.entries import Entry, moment, size, verdict

# Bounded where it may try again, so that no line takes long.
_LINE = re.compile(
    r"(\S+) \S+ .{1,256}? \[([^\[\]]{20,40})\] "
    r'"([A-Z]{1,16}) (\S+)(?: [^"]*)?" ([1-5][0-9]{2}) ([0-9]+|-)(.*)'
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HITS = frozenset({"HIT", "STALE", "UPDATING", "REVALIDATED"})
_WORDS = _HITS | {"MISS", "EXPIRED", "BYPASS"}


class Nginx:
    """A line may end in `$upstream_cache_status`."""

    heading: ClassVar = ""

    def entry(self, line: str) -> Entry | None:
        match = _LINE.match(line)
        if match is None:
            raise ValueError("no line of this format")
        client, time, method, target, status, octets, rest = match.groups()
        word = rest.rpartition(" ")[2].strip('"\r\n')
        cached = verdict(word if word in _WORDS else "", _HITS, frozenset({""}))
        sent = size(octets)
        return Entry(
            _minute(time[:17], time[21:]) + int(time[18:20]),
            method,
            target,
            int(status),
            sent,
            client,
            "",
            cached,
        )


@lru_cache(maxsize=4096)
def _minute(text: str, zone: str) -> float:
    """`23/Nov/2026:07:37` and `+0000`, which are the same for many requests."""
    day, month, year = text[:2], _MONTHS.index(text[3:6]) + 1, text[7:11]
    return moment(f"{year}-{month:02}-{day}T{text[12:]}:00{zone}")
