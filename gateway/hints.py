"""Hints: changes that somebody tells of, and that may come twice, too early or in any order.

A hint may come before its change can be seen in the store. So caches forget at once, and what this
process knows is read again now and a little later; a version that is newer then is purged once
more. Whatever gets lost on this way is made up for by the second pass of each purge and by the
short life of all that a process remembers.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from gateway.catalogue import Catalogue
from gateway.documents import DocumentRef
from gateway.errors import GatewayError, StateUnavailable
from gateway.purges import PurgeRequest, Purges
from gateway.supabase.events import Change

# Seconds after a hint when its documents are read again.
DELAYS = (0.0, 5.0)
MOST = 10_000
ABREAST = 4


class Agenda:
    """Documents to be read again, each after every one of `DELAYS`; at most `most` readings wait.

    A newer hint takes the place of an older one, and the oldest make room. Times are of any clock,
    in seconds.
    """

    def __init__(self, most: int = MOST) -> None:
        self._queues = {delay: OrderedDict[DocumentRef, float]() for delay in DELAYS}
        self._most = most // len(DELAYS)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, ref: DocumentRef, now: float) -> None:
        for delay, queue in self._queues.items():
            queue[ref] = now + delay
            queue.move_to_end(ref)
            if len(queue) > self._most:
                queue.popitem(last=False)

    def take(self, now: float, most: int) -> list[DocumentRef]:
        """Take off at most `most` that are due."""
        due = [(queue, ref) for queue in self._queues.values() for ref in _until(queue, now, most)]
        for queue, ref in due[:most]:
            del queue[ref]
        return [ref for _, ref in due[:most]]

    def wait(self, now: float) -> float | None:
        """Seconds until the next is due; None when there is none."""
        firsts = [next(iter(queue.values())) for queue in self._queues.values() if queue]
        return max(0.0, min(firsts) - now) if firsts else None


def _until(queue: OrderedDict[DocumentRef, float], now: float, most: int) -> Iterator[DocumentRef]:
    for (ref, due), _ in zip(queue.items(), range(most), strict=False):
        if due > now:
            return
        yield ref


class Hints:
    """Takes changes of the `buckets` that it is given, each with its zone.

    `fresh` makes this process take in what the feed has, as every process does before it answers.
    `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        purges: Purges,
        catalogue: Catalogue,
        buckets: Mapping[str, str],
        fresh: Callable[[], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._purges = purges
        self._catalogue = catalogue
        self._buckets = buckets
        self._fresh = fresh
        self._clock = clock
        self._agenda = Agenda()
        self._added = asyncio.Event()

    async def take(self, changes: Sequence[Change], *, by: str, now: float) -> int:
        """Have every cache forget what changed; durable on return. `now` is Unix seconds.

        Returns how many of the changes are of these buckets; the others are ignored. Raises
        `StateUnavailable`, with nothing done.
        """
        ours = [change for change in changes if self._is_ours(change)]
        asked = [
            (self._request(some), not hard)
            for hard in (True, False)
            if (some := [change for change in ours if change.hard is hard])
        ]
        if asked:
            await self._purges.ask_each(asked, by=by, reason="told", now=now)
            with suppress(StateUnavailable):  # what is in the feed is not forgotten
                self._fresh()
            self._plan(self._documents(ours))
        return len(ours)

    async def run(self) -> None:
        """Read again what is due, until cancelled."""
        while True:
            await self.reread()
            self._added.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._agenda.wait(self._clock())):
                    await self._added.wait()

    async def reread(self) -> None:
        """Read again all that is due by now, a few at a time."""
        while due := self._agenda.take(self._clock(), ABREAST):
            await asyncio.gather(*map(self._read, due))

    async def _read(self, ref: DocumentRef) -> None:
        # The catalogue tells of another version by itself. A store that is away is no loss: then
        # nothing of it can be served anew either.
        with suppress(GatewayError):
            await self._catalogue.renewed(ref)

    def _plan(self, refs: Sequence[DocumentRef]) -> None:
        now = self._clock()
        for ref in refs:
            if self._catalogue.knows(ref):
                self._agenda.add(ref, now)
        self._added.set()

    def _is_ours(self, change: Change) -> bool:
        return change.bucket in self._buckets if change.bucket else bool(self._buckets)

    def _request(self, changes: Sequence[Change]) -> PurgeRequest:
        whole = [change.bucket for change in changes if not change.key]
        named = self._buckets if "" in whole else dict.fromkeys(whole)
        return PurgeRequest(
            documents=tuple(self._documents(changes)),
            buckets=tuple((self._buckets[bucket], bucket) for bucket in named),
        )

    def _documents(self, changes: Sequence[Change]) -> list[DocumentRef]:
        refs = [
            DocumentRef(self._buckets[change.bucket], change.bucket, change.key)
            for change in changes
            if change.key
        ]
        return list(dict.fromkeys(refs))
