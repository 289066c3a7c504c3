"""What it costs to prove a link, and to refuse one."""

from __future__ import annotations

import hmac
import time
import timeit
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from bench.table import Goal, Row
from signing.errors import LinkRefused
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

MAC = "one hmac.digest"
GOOD, FORGED, JUNK = "a good link", "a forged signature", "no token at all"
GOALS = {
    GOOD: Goal(10, most=True),
    FORGED: Goal(10, most=True),
    JUNK: Goal(1, most=True),
}
_SECRET = sha256(b"bench").digest()
_LOOPS, _REPEATS = 5_000, 7


def run(_folder: Path) -> list[Row]:
    """Time a good link, one with a forged signature, and one that is none, in this process."""
    signer = Signer(KeyRing([Key("k1", _SECRET)], "k1"), [SignedZone("clinic")])
    now = int(time.time())
    link = signer.issue(
        LinkRequest("clinic", "documents", "reports/2026/letter a.pdf", Grant.parse("ia")), now
    )
    path, _, query = link.target.encode().partition(b"?")
    forged = query[:-1] + (b"A" if query[-1:] != b"A" else b"B")

    def refused(path: bytes, query: bytes) -> None:
        with suppress(LinkRefused):
            signer.verify(path, query, now)

    message = f"/d/{link.scope}?t={link.body}".encode()
    return rows(
        {
            MAC: _best(lambda: hmac.digest(_SECRET, message, "sha256")),
            GOOD: _best(lambda: signer.verify(path, query, now)),
            FORGED: _best(lambda: refused(path, forged)),
            JUNK: _best(lambda: refused(path, b"t=junk")),
        }
    )


def rows(found: Mapping[str, float]) -> list[Row]:
    """Microseconds of each against its goal, and how many plain MACs that is."""
    count = _LOOPS * _REPEATS
    told = [Row(MAC, f"{found[MAC]:.2f} µs", count)]
    for what, goal in GOALS.items():
        told.append(Row.judged(what, found[what], " µs", count, goal))
    for what in (GOOD, FORGED):
        ratio = found[what] / found[MAC]
        told.append(Row.judged(f"{what}, to one MAC", ratio, "x", count, Goal(3, most=True)))
    return told


def _best(call: Callable[[], object]) -> float:
    """Microseconds of one call, in the quietest of several repeats."""
    return min(timeit.repeat(call, number=_LOOPS, repeat=_REPEATS)) / _LOOPS * 1e6
