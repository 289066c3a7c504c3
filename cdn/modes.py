"""The TTL law: how a zone's cache mode and the life left in a link become a cache policy.

While the token is part of the cache key, nothing that a shared cache keeps may outlive the link
that let it in: fresh time and the longer stale allowance together end `MARGIN` seconds before
the link does. The stale allowances are cut first.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from cdn.policy import CachePolicy, NoStore, Private, Revalidate, Shared
from cdn.tags import Tags

Mode: TypeAlias = Literal["private", "windowed", "edge", "revalidate"]

MARGIN = 30
"""Seconds between the end of a shared copy and the end of its link: clocks and queues differ."""

YEAR = 31_536_000

PROVISIONAL = 3_600
"""The longest, in seconds, that an answer stays fresh which will soon get a better rendition."""

_PRIVATE_BROWSER = 60
_SHARED_BROWSER = 300
_ABSENT = 30


def browser_longest(mode: Mode) -> int:
    """For how many seconds a browser may use a copy without asking, at the longest.

    In mode `edge` the edge writes it; those that are printed for it write the same.
    """
    if mode == "revalidate":
        return 0
    return _PRIVATE_BROWSER if mode == "private" else _SHARED_BROWSER


def policy_for(
    mode: Mode,
    *,
    now: int,
    expires_at: int,
    ttl: int,
    stale_while_revalidate: int,
    stale_if_error: int,
    tags: Tags,
    negotiated: bool = False,
    pinned: bool = False,
    provisional: bool = False,
    proven: bool = False,
) -> CachePolicy:
    """The policy of a 200, 206 or 304 for a link that dies at `expires_at` (exclusive).

    `now` is the answer's Date, in Unix seconds like `expires_at`. `negotiated` answers depend on
    Accept, which shared caches key badly. `pinned` URLs never serve another version;
    `provisional` ones will soon get a better rendition. `proven` says that the puller is an edge
    that verifies links itself and keys without the token; only mode `edge` heeds it.
    """
    left = expires_at - now
    if left <= 0:
        return NoStore()
    if mode == "private":
        return Private(min(_PRIVATE_BROWSER, left))
    if mode == "revalidate":
        return Private(0) if negotiated else Revalidate(tags)
    if negotiated:
        return Private(min(_SHARED_BROWSER, left))
    final = pinned and not provisional
    fresh = min(ttl, PROVISIONAL) if provisional else ttl
    stale = stale_while_revalidate, stale_if_error
    if mode == "edge" and proven:
        # One stored copy serves many links here: the browser's time is the edge's to write, and
        # an edge that forgets makes browsers ask.
        return Shared(tags, 0, YEAR if final else fresh, *stale)
    return _until_death(tags, left, fresh, stale, final)


def absent_policy(mode: Mode, *, now: int, expires_at: int, tags: Tags) -> CachePolicy:
    """The policy of the 404 for a good link to no document, tagged so that an upload purges it.

    No purge reaches a browser, so browsers always ask again. There is no validator to ask with in
    mode `revalidate`, so nobody keeps it there.
    """
    room = expires_at - now - MARGIN
    if mode in ("private", "revalidate") or room <= 0:
        return NoStore()
    return Shared(tags, browser_ttl=0, cdn_ttl=min(_ABSENT, room))


def _until_death(
    tags: Tags, left: int, fresh: int, stale: tuple[int, int], final: bool
) -> CachePolicy:
    browser_ttl = min(_SHARED_BROWSER, left)
    room = left - MARGIN
    if room <= 0:
        return Private(browser_ttl)
    cdn_ttl = min(fresh, room)
    rest = room - cdn_ttl
    revalidating, failing = stale
    return Shared(
        tags, browser_ttl, cdn_ttl, min(revalidating, rest), min(failing, rest), immutable=final
    )
