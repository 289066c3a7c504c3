"""Entries: requests as the lines of an access log tell them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

Verdict: TypeAlias = Literal["hit", "miss", ""]

UNKNOWN = -1
_LAST = 1e20
_LARGEST = 1 << 60


class Entry(NamedTuple):
    """One request and its answer.

    `at` is in Unix seconds; `target` is path and query, or the whole URL; `octets` were sent, or
    `UNKNOWN`; `client` is who asked, `edge` the place that answered, both empty when the log does
    not say; `cached` is what the cache itself said of it.
    """

    at: float
    method: str
    target: str
    status: int
    octets: int
    client: str
    edge: str
    cached: Verdict


def moment(text: str) -> float:
    """Unix seconds of a time as RFC 3339 writes it; without a zone it is UTC."""
    told = datetime.fromisoformat(text)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def since(number: float) -> float:
    """Unix seconds of a count of seconds, milli-, micro- or nanoseconds, told by its size."""
    if not 0 < number < _LAST:
        raise ValueError("no time")
    while number > 1e11:
        number /= 1_000
    return number


def size(text: str) -> int:
    """A number of octets; `UNKNOWN` where a log writes a dash, nothing or what can not be."""
    number = UNKNOWN if text in ("-", "") else int(text)
    return number if 0 <= number < _LARGEST else UNKNOWN


def verdict(word: str, hits: frozenset[str], silent: frozenset[str]) -> Verdict:
    """What a cache's word for an answer means; no word at all is no verdict."""
    if word in silent:
        return ""
    return "hit" if word in hits else "miss"
