"""The one place that writes Cache-Control and its kin: a policy in the words of each CDN.

Where browsers and shared caches need different words, a targeted field carries the latter
(RFC 9213: `max-age`, never `s-maxage`, and it wins over Cache-Control). A CDN that reads only
Cache-Control gets both in one field, and no stale promises. Names are lower-case octets, ready
for ASGI.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from cdn.facts import NONE, PROFILES, Profile
from cdn.policy import CachePolicy, Confidential, NoStore, Private, Revalidate, Shared

__all__ = ["NONE", "PROFILES", "Fields", "Profile", "render"]

Fields: TypeAlias = list[tuple[bytes, bytes]]
_Told: TypeAlias = Confidential | Private | Revalidate | Shared

# CloudFront serves stale copies of its own accord while the origin fails, unless told this.
_SINGLE_END = b"must-revalidate, stale-if-error=0, no-transform"


def render(policy: CachePolicy, profiles: Profile | Sequence[Profile]) -> Fields:
    """The cache fields of an answer, for one CDN or for all that pull the zone.

    With several CDNs each finds the words it prefers. One that reads only Cache-Control puts its
    own form there, since `private` would keep it from storing anything; a refusal is written in
    its strictest form. No profile at all is `NONE`.
    """
    several = (profiles,) if isinstance(profiles, Profile) else (profiles or (NONE,))
    if isinstance(policy, NoStore):
        return [(b"cache-control", max((p.refusal for p in several), key=len).encode())]
    found: dict[bytes, bytes] = {}
    single = False
    for profile in several:
        if profile.dialect == "targeted":
            found[profile.shared_name] = _directives(policy)
        elif profile.dialect == "seconds":
            found[profile.shared_name] = _seconds(policy)
        else:
            single = True
        if profile.tag_name and isinstance(policy, Revalidate | Shared):
            found[profile.tag_name] = policy.tags.joined(profile.separator)
    return [(b"cache-control", _cache_control(policy, single)), *found.items()]


def _cache_control(policy: _Told, single: bool) -> bytes:
    """What browsers read, and with `single` also the CDN."""
    if isinstance(policy, Confidential):
        return b"private, no-store, no-transform"
    if isinstance(policy, Revalidate):
        return b"no-cache, %b" % _SINGLE_END if single else b"private, no-cache, no-transform"
    if isinstance(policy, Shared) and single:
        times = b"public, max-age=%d, s-maxage=%d, " % (policy.browser_ttl, policy.cdn_ttl)
        return times + _SINGLE_END + (b", immutable" if policy.immutable else b"")
    if policy.browser_ttl == 0:
        return b"private, no-cache, no-transform"
    if isinstance(policy, Shared) and policy.immutable:
        return b"private, max-age=%d, no-transform, immutable" % policy.browser_ttl
    return b"private, max-age=%d, no-transform" % policy.browser_ttl


def _directives(policy: _Told) -> bytes:
    """What a targeted field says (RFC 9213 §2.1, RFC 5861)."""
    if isinstance(policy, Confidential | Private):
        return b"no-store"
    if isinstance(policy, Revalidate):
        return b"no-cache"
    if policy.stale_while_revalidate or policy.stale_if_error:
        return b"max-age=%d, stale-while-revalidate=%d, stale-if-error=%d" % (
            policy.cdn_ttl,
            policy.stale_while_revalidate,
            policy.stale_if_error,
        )
    # Without it a cache may serve stale copies by a default of its own (RFC 9111 §4.2.4).
    return b"max-age=%d, must-revalidate" % policy.cdn_ttl


def _seconds(policy: _Told) -> bytes:
    """What X-Accel-Expires says: fresh seconds; 0 keeps nginx from storing at all."""
    return b"%d" % policy.cdn_ttl if isinstance(policy, Shared) else b"0"
