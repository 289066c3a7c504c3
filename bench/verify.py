"""What it costs to prove a link, and to refuse one."""

from __future__ import annotations

import hmac
import time
import timeit
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from bench.table import Row
from signing.errors import LinkRefused
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

MAC = "one hmac.digest"
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
            "a good link": _best(lambda: signer.verify(path, query, now)),
            "a forged signature": _best(lambda: refused(path, forged)),
            "no token at all": _best(lambda: refused(path, b"t=junk")),
        }
    )


def rows(found: Mapping[str, float]) -> list[Row]:
    """Microseconds of each, and how many plain MACs that is."""
    return [
        Row(what, f"{each:.2f} µs ({each / found[MAC]:.2g}x)", _LOOPS * _REPEATS)
        for what, each in found.items()
    ]


def _best(call: Callable[[], object]) -> float:
    """Microseconds of one call, in the quietest of several repeats."""
    return min(timeit.repeat(call, number=_LOOPS, repeat=_REPEATS)) / _LOOPS * 1e6
