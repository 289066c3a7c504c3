"""Expiry windows: everyone who asks within one gets the same text, and they end at odd times."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from signing.errors import Unsignable

QUANTA = (86_400, 21_600, 3_600, 900, 300, 60, 15)


def life(asked: int | None, window: int, longest_life: int) -> int:
    """Return the longest that a link may live, in seconds: as asked, or two windows."""
    if asked is not None and asked < 1:
        raise Unsignable("life")
    return min(2 * window if asked is None else asked, longest_life)


@lru_cache(maxsize=256)
def quantum(lifetime: int, window: int) -> int:
    """Return the length of the window, in seconds: at most the zone's and half the life."""
    return next((q for q in QUANTA if q <= window and 2 * q <= lifetime), 1)


def expiry(now: int, asked: int | None, window: int, longest_life: int, phase_text: str) -> int:
    """Return when a link issued `now` dies, in Unix seconds, exclusive.

    It lives in (life − quantum, life]. `phase_text` is the signed text before `?`: its hash
    shifts the windows, so that documents do not expire all at once.
    """
    lifetime = life(asked, window, longest_life)
    return ending(now, lifetime, quantum(lifetime, window), phase_of(phase_text))


def phase_of(text: str) -> int:
    """Return where the windows of a text stand, before it is taken modulo their length."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def ending(now: int, lifetime: int, step: int, phase: int) -> int:
    """Return when a link dies that is made for that life in windows of that length and phase."""
    phase %= step
    return (now + lifetime - phase) // step * step + phase


def holds(expires_at: int, now: int, lifetime: int, step: int) -> bool:
    """Tell whether a link made for that life in that window would end then if it were made now."""
    return expires_at - lifetime <= now < expires_at - lifetime + step
