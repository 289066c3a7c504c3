"""The probe: one round of questions about one zone, put to its CDN as any viewer could.

A canary that nobody has asked for before is fetched until its nonce comes twice: it is cached
then. Now whatever is no good link has to be refused, and in the end the link itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import time
from typing import Final

from gateway.documents import CacheMode
from gateway.probing.findings import Finding, Report, refusals
from gateway.probing.links import CanaryLinks
from gateway.probing.questions import WINDOWED, Question, about_ending, questions
from gateway.probing.replies import Ask, Asks, Reply
from signing.links import Link

EDGES: Final = 'docs/cdns.md, "Verifying at the edge"'
_ENDINGS = (".jpg", ".pdf")
# Seconds by which an edge's clock may be late.
_SKEW = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a good link lives, how often a cached copy is tried for, and each question is put.

    While the token is in the cache key a copy is fresh for `life` less the law's 30 seconds.
    """

    life: int = 45
    tries: int = 10
    pause: float = 0.5
    times: int = 2


class Probe:
    """Puts the questions; `clock` is in Unix seconds, `sleep` waits for some."""

    def __init__(
        self,
        asks: Asks,
        clock: Callable[[], float] = time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        pace: Pace | None = None,
    ) -> None:
        self._asks = asks
        self._clock = clock
        self._sleep = sleep
        self._pace = pace or Pace()

    async def run(self, links: CanaryLinks, mode: CacheMode) -> Report:
        """Find out what the CDN does with links of one zone; takes about `Pace.life` seconds."""
        link = links.kept(self._pace.life, self._now())
        first = await self._get(link)
        if not first.nonce:
            return Report((_reached(first),))
        seen = {first.nonce}
        found = [_reached(first), *_proof_of(first, mode)]
        if not await self._kept(link, seen, self._pace.tries):
            return Report((*found, _NOT_KEPT, *await self._judged(link, links)))
        found += await self._judged(link, links)
        # What was asked while the copy was gone shows nothing.
        found.append(_KEPT if (await self._get(link)).nonce in seen else _LOST)
        sharing = await self._shared(link, links, seen)
        left = link.expires_at + _SKEW - self._clock()
        # No longer than the link lived at first, wherever the clock was set meanwhile.
        await self._sleep(min(max(0.0, left), self._pace.life + _SKEW))
        replies = [await self._get(link) for _ in range(self._pace.times)]
        found.append(refusals("expired link", replies, _EXPIRED))
        return Report((*found, *([sharing] if mode == "edge" else [])))

    def _now(self) -> int:
        return int(self._clock())

    async def _get(self, link: Link) -> Reply:
        return await self._asks.ask(Ask(link.target))

    async def _kept(self, link: Link, seen: set[str], tries: int) -> bool:
        """Whether a nonce came twice; a CDN of many machines has many copies."""
        for _ in range(tries):
            reply = await self._get(link)
            if reply.nonce in seen:
                return True
            if reply.nonce:
                seen.add(reply.nonce)
            await self._sleep(self._pace.pause)
        return False

    async def _judged(self, link: Link, links: CanaryLinks) -> list[Finding]:
        asked = questions(link, links, self._pace.life, self._now())
        files = [self._file(links, ending) for ending in _ENDINGS]
        return list(
            await asyncio.gather(*map(self._put, asked), *files, self._unkept(links, "no-store"))
        )

    async def _file(self, links: CanaryLinks, ending: str) -> Finding:
        """Whether a rule for static files gives copies away, or keeps what it must not."""
        link = links.kept(self._pace.life, self._now(), ending)
        await self._kept(link, set(), self._pace.times + 1)
        found = await self._put(about_ending(ending, link))
        return await self._unkept(links, found.name, ending) if found.verdict == "ok" else found

    async def _put(self, question: Question) -> Finding:
        many = await asyncio.gather(*map(self._repeated, question.asks))
        return refusals(question.name, [reply for few in many for reply in few], question.hint)

    async def _repeated(self, ask: Ask) -> list[Reply]:
        return [await self._asks.ask(ask) for _ in range(self._pace.times)]

    async def _unkept(self, links: CanaryLinks, name: str, ending: str = "") -> Finding:
        """Whether the CDN leaves alone what it must not keep: so a private zone answers."""
        link = links.unkept(self._pace.life, self._now(), ending)
        replies = [await self._get(link) for _ in range(self._pace.times + 1)]
        return _left_alone(name, replies)

    async def _shared(self, link: Link, links: CanaryLinks, seen: set[str]) -> Finding:
        """Whether another link to the same thing opens the same copy."""
        other = links.again(link.key, 2 * self._pace.life, self._now())
        return _SHARED if (await self._get(other)).nonce in seen else _APART


def _reached(reply: Reply) -> Finding:
    """What the first answer to a good link says."""
    name = "good link"
    if reply.nonce:
        return Finding(name, "ok", "opens the canary")
    if reply.served:
        hint = "the CDN answers 200 in the gateway's place, or leads to something else"
        return Finding(name, "leak", f"answered {reply} without the canary", hint)
    if reply.refused:
        hint = (
            f"path or query are changed on the way ({WINDOWED}), the edge has other keys, or the "
            f"gateway does not take it for the zone's CDN ({EDGES})"
        )
    elif 300 <= reply.status < 400:
        hint = "the CDN leads elsewhere: give public_url as viewers are to reach it"
    else:
        hint = "does the CDN reach the gateway, and this host the CDN?"
    return Finding(name, "unclear", f"answered {reply}", hint)


def _proof_of(reply: Reply, mode: CacheMode) -> list[Finding]:
    if mode != "edge":
        return []
    if reply.edge:
        return [Finding("proof of the edge", "ok", "shown to the gateway")]
    hint = f"give it one of the zone's `shield` secrets, and have it ask by ?c=: {EDGES}"
    what = "not shown: answers are kept as in mode windowed"
    return [Finding("proof of the edge", "note", what, hint)]


def _left_alone(name: str, replies: Sequence[Reply]) -> Finding:
    nonces = [reply.nonce for reply in replies]
    if not all(nonces):
        said = next(reply for reply in replies if not reply.nonce)
        return Finding(name, "unclear", f"answered {said}")
    if len(set(nonces)) < len(nonces):
        return Finding(name, "leak", "kept what nobody was to keep", _AGAINST)
    return Finding(name, "ok", "what nobody is to keep is not kept")


_KEPT = Finding("cached copy", "ok", "the same answer came twice")
_NOT_KEPT = Finding(
    "cached copy",
    "unclear",
    "the CDN kept nothing, so there was nothing to guard",
    f"does it cache this host, and read the words of its provider? {WINDOWED}",
)
_LOST = Finding(
    "cached copy",
    "unclear",
    "gone before all was asked, so nothing is shown",
    "the CDN is slow, keeps too little, or forgets too soon",
)
_EXPIRED = (
    "copies outlive their links: no minimum time, no stale copies by a rule of the CDN; an edge "
    f"that verifies needs the right time: {WINDOWED}"
)
_AGAINST = (
    'the CDN keeps against an answer\'s words ("cache everything", a minimum time): '
    f"take that rule away: {WINDOWED}"
)
_SHARED = Finding("one copy for all links", "ok", "another link opened the same copy")
_APART = Finding(
    "one copy for all links",
    "note",
    "another link had a copy of its own",
    f"the token is in the cache key: {EDGES}",
)
