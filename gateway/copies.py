"""Copies: answers that a cache without tags may keep are noted before they are sent.

Such a cache forgets one copy at a time, so that a purge has to know them all. What can not be
noted nobody may keep.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias

import structlog

from cdn.copies import digest_of
from cdn.policy import CachePolicy, NoStore, Shared
from gateway.errors import StateUnavailable
from gateway.permits import Permit
from gateway.state import copies
from gateway.state.database import Database
from signing.targets import Link

Asked: TypeAlias = tuple[bytes, bytes]
"""Raw path and query, as a cache that changes neither asks for them."""

LONGEST = 86_400
"""The longest, in seconds, that a cache without tags may keep a copy, so that the index ends."""

MOST = 2_000_000
"""Rows of the index: some 200,000 answers, each under two keys and five tags."""

# Clocks differ, and a copy's time begins when its answer arrives.
_SLACK = 120
# To note a copy again with each request for it would cost a commit each time.
_STEP = 300
REMEMBERED = 50_000

_log = structlog.stdlib.get_logger(__name__)


def key_of(link: Link) -> bytes:
    """The query under which an edge that verifies keeps what the link gives."""
    grant = link.grant
    return f"c={grant.disposition[0]}{grant.shared_class}{link.generation}".encode()


class Copies:
    """The index, as one process fills it; `traced` are the zones in front of which a cache without
    tags stands, and where there is none nothing of this is done."""

    def __init__(
        self,
        database: Database,
        traced: Collection[str] = (),
        *,
        most: int = MOST,
        remembered: int = REMEMBERED,
    ) -> None:
        self._database = database
        self._most = most
        self._remembered = remembered
        self._noted: dict[bytes, float] = {}
        self.traced = frozenset(traced)

    def known(
        self, link: Link | Permit, asked: Asked, policy: CachePolicy, now: float
    ) -> CachePolicy | None:
        """The policy that an answer may be sent with at once; None when its copies are to be noted
        first."""
        if link.zone not in self.traced or not isinstance(policy, Shared):
            return policy
        policy = _bounded(policy)
        end, digests = _end(policy, now), _digests(link, asked)
        return policy if all(self._noted.get(one, 0.0) >= end for one in digests) else None

    async def note(
        self, link: Link | Permit, asked: Asked, policy: CachePolicy, now: float
    ) -> CachePolicy:
        """Note the answer's copies, durably; the policy that it may be sent with after that."""
        known = self.known(link, asked, policy, now)
        if known is not None or not isinstance(policy, Shared):
            return policy if known is None else known
        policy = _bounded(policy)
        tags, digests, end = policy.tags, _digests(link, asked), _end(policy, now)
        try:
            await self._database.write(lambda c: copies.note(c, tags, digests, end, self._most))
        except StateUnavailable as error:
            _log.warning("an answer may not be kept, for no purge would find it", why=str(error))
            return NoStore()
        self._remember(digests, end)
        return policy

    def _remember(self, digests: Collection[bytes], end: float) -> None:
        for digest in digests:
            self._noted.pop(digest, None)
            self._noted[digest] = end
        while len(self._noted) > self._remembered:
            del self._noted[next(iter(self._noted))]


def _bounded(policy: Shared) -> Shared:
    """The policy with an end that the index bears."""
    return policy._replace(cdn_ttl=min(policy.cdn_ttl, LONGEST))


def _digests(link: Link | Permit, asked: Asked) -> list[bytes]:
    """What the copy may be called: by its URL, or as an edge that verifies asks for it."""
    path, query = asked
    keys = [path + b"?" + query if query else path]
    if isinstance(link, Link):
        keys.append(path + b"?" + key_of(link))
    return [digest_of(key) for key in dict.fromkeys(keys)]


def _end(policy: Shared, now: float) -> float:
    """When the copy is gone, a little later at most."""
    return (now + policy.cdn_ttl + _SLACK) // _STEP * _STEP + _STEP
