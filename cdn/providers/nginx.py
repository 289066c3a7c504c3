"""nginx with our njs: it knows no tags, so copies are unlinked one by one, each by its digest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdn.copies import copy_named
from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.setups import Setup

_ROUTE = "/njspurge"
_PURGED = re.compile(r"^purged ([0-9]{1,4})$", re.ASCII)
_NOTHING = bytes(16)
# So many unlinks keep nginx from its other work for some milliseconds.
_AT_ONCE = 1_000


class Nginx(Configured):
    """One nginx at `url`; `secret` is the one that its njs compares."""

    kind = "nginx"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._traces = tools.traces

    async def check(self) -> PurgeReceipt:
        """Unlink a copy that is not there."""
        await self._unlink([_NOTHING])
        return self._receipt("", "takes purges")

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        known: set[bytes] = set()
        for tag in tags:
            named = copy_named(tag)
            known.update([named] if named else await self._traces.copies(tag))
        digests, purged = sorted(known), 0
        for first in range(0, len(digests), _AT_ONCE):
            purged += await self._unlink(digests[first : first + _AT_ONCE])
        return self._receipt("", f"purged {purged} of {len(known)} known")

    async def _unlink(self, digests: Sequence[bytes]) -> int:
        """How many were there; what is not there needs no purge."""
        body = "".join(f"{digest.hex()}\n" for digest in digests).encode()
        answer = await self._api.send("POST", self._api.url(_ROUTE, {}), body)
        purged = _PURGED.match(answer.text.strip())
        if purged is None:
            raise self._api.unreadable(answer)
        return int(purged[1])
