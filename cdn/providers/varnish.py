"""Varnish with our VCL (deploy/varnish/ostiary.vcl): purges by tag through vmod xkey."""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx

from cdn.errors import ProviderMisconfigured, PurgeRefused
from cdn.fields import PROFILES
from cdn.providers.base import Limits, PurgeReceipt
from cdn.tags import is_tag

_PURGED = re.compile(r"^purged ([0-9]{1,12})$", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,5}", re.ASCII)
_LATER = frozenset({408, 425, 429})


class Varnish:
    """One Varnish instance at `url`; `secret` is the one that its VCL compares."""

    profile = PROFILES["varnish"]
    # 240 tags of 32 octets with their separators stay below http_req_hdr_len, 8 kB.
    limits = Limits(batch=240, rate=1_000, burst=1_000)
    soft = True

    def __init__(self, name: str, url: str, secret: str, client: httpx.AsyncClient) -> None:
        if not re.fullmatch(r"[!-~]+", secret, re.ASCII):
            raise ProviderMisconfigured(
                f"the purge secret of {name} is empty or not plain ASCII without spaces",
                hint="it is the text of OSTIARY_PURGE_SECRET in varnishd's environment",
            )
        self.name = name
        self._url = _origin_of(name, url)
        self._secret = secret
        self._client = client

    async def purge(self, tags: Sequence[str], *, soft: bool) -> PurgeReceipt:
        """Remove every answer with one of `tags`, or mark it stale; raises PurgeRefused."""
        if not 1 <= len(tags) <= self.limits.batch or not all(map(is_tag, tags)):
            raise PurgeRefused("no tags, too many, or ones that are none", dead=True)
        try:
            answer = await self._client.request(
                "SOFTPURGE" if soft else "PURGE",
                self._url,
                headers={"xkey-purge": " ".join(tags), "purge-key": self._secret},
            )
        except httpx.HTTPError as error:
            raise PurgeRefused(f"{self.name} does not answer: {type(error).__name__}") from error
        purged = _PURGED.match(answer.text.strip()) if answer.status_code == 200 else None
        if purged is None:
            raise _refusal(self.name, answer)
        return PurgeReceipt(self.name, "", purged[0])


def _origin_of(name: str, url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ProviderMisconfigured(
            f"the url of {name} is no http address", hint="such as http://127.0.0.1:6081"
        )
    return parsed.copy_with(raw_path=b"/")


def _refusal(name: str, answer: httpx.Response) -> PurgeRefused:
    status = answer.status_code
    if status == 403:
        hint = "OSTIARY_PURGE_SECRET there differs from the secret here"
        return PurgeRefused(f"{name} refuses our purges: 403", dead=True, hint=hint)
    if status < 400:
        # Not yet dead: a proxy's holding page, or a VCL being replaced, answers so as well.
        return PurgeRefused(f"{name} answered {status} without the words of our VCL")
    told = answer.headers.get("retry-after", "").strip()
    return PurgeRefused(
        f"{name} answered {status}",
        retry_after=float(told) if _SECONDS.fullmatch(told) else None,
        dead=status < 500 and status not in _LATER,
        hint="is deploy/varnish/ostiary.vcl loaded?" if status == 405 else "",
    )
