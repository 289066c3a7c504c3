"""nginx with our njs: it knows no tags, so each answer is unlinked by its path and query."""

from __future__ import annotations

from collections.abc import Sequence

from cdn.errors import PurgeRefused
from cdn.providers.base import Configured, PurgeReceipt, Tools
from cdn.setups import Setup

_BELOW = "/njspurge"
_ABSENT = 404
_UNKNOWN = "knows no tags, and nobody knows which answers it holds"
_HINT = "its copies live to the end of their links; a zone that must not wait is private"


class Nginx(Configured):
    """One nginx at `url`; `secret` is the one that its njs compares."""

    kind = "nginx"

    def __init__(self, setup: Setup, tools: Tools) -> None:
        super().__init__(setup, tools)
        self._traces = tools.traces

    async def check(self) -> PurgeReceipt:
        """Unlink an answer that is not there."""
        await self._unlink("/ostiary-doctor")
        return self._receipt("", "takes purges")

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        purged = known = 0
        for tag in tags:
            urls = await self._traces.urls(self.name, tag)
            if urls is None:
                raise PurgeRefused(f"{self.name} {_UNKNOWN}", dead=True, hint=_HINT)
            for url in urls:
                known += 1
                purged += await self._unlink(url)
        return self._receipt("", f"purged {purged} of {known} known")

    async def _unlink(self, url: str) -> bool:
        """Whether it was there; what is not there needs no purge."""
        answer = await self._api.ask("GET", self._api.url(_BELOW + url, {}))
        if answer.status_code == _ABSENT:
            return False
        if not answer.is_success:
            raise self._api.refusal(answer)
        return True
