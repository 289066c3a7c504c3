"""Varnish with our VCL (deploy/varnish/ostiary.vcl): purges by tag through vmod xkey."""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx

from cdn.errors import PurgeRefused
from cdn.providers.base import Configured, PurgeReceipt

_PURGED = re.compile(r"^purged ([0-9]{1,12})$", re.ASCII)
_HINTS = {
    403: "OSTIARY_PURGE_SECRET there differs from the secret here",
    405: "is deploy/varnish/ostiary.vcl loaded?",
}


class Varnish(Configured):
    """One Varnish instance at `url`; `secret` is the one that its VCL compares."""

    kind = "varnish"

    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt:
        method = "SOFTPURGE" if soft else "PURGE"
        where = self._api.origin.copy_with(raw_path=b"/")
        answer = await self._api.ask(method, where, fields=[("xkey-purge", " ".join(tags))])
        purged = _PURGED.match(answer.text.strip()) if answer.status_code == 200 else None
        if purged is None:
            raise self._refusal(answer)
        return self._receipt("", purged[0])

    def _refusal(self, answer: httpx.Response) -> PurgeRefused:
        if answer.is_success:
            # Not dead: a VCL being replaced answers so as well.
            return self._api.unreadable(answer)
        refusal = self._api.refusal(answer)
        refusal.hint = _HINTS.get(answer.status_code, refusal.hint)
        return refusal
