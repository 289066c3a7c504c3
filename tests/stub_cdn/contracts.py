"""The vendors' figures, written down from their own pages and not from the code under test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

INSTANT = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: `burst` at most and at the start, `rate` more each second."""

    burst: float
    rate: float


NEVER = Bucket(float("inf"), 0)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a vendor bears: names in a call, calls, names, and seconds until a purge is felt."""

    batch: int
    calls: Bucket = NEVER
    names: Bucket = NEVER
    delay: float = INSTANT
    keyed: bool = False


CONTRACTS: Mapping[str, Contract] = {
    "varnish": Contract(batch=1_000),
    # Plan Enterprise.
    "cloudflare": Contract(batch=100, calls=Bucket(500, 50)),
    "fastly": Contract(batch=256, names=Bucket(100_000, 100_000 / 3_600), delay=0.15),
    # 3,000 paths may be in progress; five minutes are taken for one's end.
    "cloudfront": Contract(batch=3_000, names=Bucket(3_000, 10), delay=300, keyed=True),
    "bunny": Contract(batch=1, calls=Bucket(20, 0.5)),
    "akamai": Contract(batch=5_000, calls=Bucket(100, 50), names=Bucket(5_000, 500 / 60), delay=5),
    "google": Contract(batch=10, calls=Bucket(500, 500 / 60), delay=10, keyed=True),
    "vercel": Contract(batch=1_000),
    "nginx": Contract(batch=1_000),
    "supabase": Contract(batch=1, delay=60),
}


def hastened(kind: str, by: float) -> Contract:
    """The contract of a vendor whose purges are felt so many times sooner."""
    contract = CONTRACTS[kind]
    return replace(contract, delay=contract.delay / by)


class Meter:
    """A token bucket at work."""

    def __init__(self, bucket: Bucket, clock: Callable[[], float]) -> None:
        self._bucket = bucket
        self._clock = clock
        self._level = bucket.burst
        self._filled = clock()

    def wait(self, cost: float) -> float:
        """Seconds until so much can be taken; 0 when it can."""
        now = self._clock()
        gained = (now - self._filled) * self._bucket.rate
        self._level = min(self._bucket.burst, self._level + gained)
        self._filled = now
        missing = cost - self._level
        return 0.0 if missing <= 1e-9 else missing / self._bucket.rate

    def take(self, cost: float) -> None:
        self._level -= cost
