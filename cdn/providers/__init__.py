"""The CDNs that Ostiary can purge, by the name they have in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

import httpx

from cdn.errors import ProviderMisconfigured
from cdn.providers.base import Limits, Provider, PurgeReceipt
from cdn.providers.null import Null
from cdn.providers.varnish import Varnish

__all__ = ["LATER", "PROVIDERS", "Limits", "Provider", "PurgeReceipt", "build"]

Builder = Callable[[str, str, str, httpx.AsyncClient], Provider]


def _null(name: str, url: str, secret: str, client: httpx.AsyncClient) -> Provider:
    del url, secret, client
    return Null(name)


PROVIDERS: Mapping[str, Builder] = MappingProxyType({"varnish": Varnish, "null": _null})
"""Kinds of CDN that are built."""

LATER = frozenset({"cloudflare", "fastly", "cloudfront", "bunny", "akamai", "google", "nginx"})
"""Kinds whose fields are known, but not yet their purges."""


def build(kind: str, name: str, url: str, secret: str, client: httpx.AsyncClient) -> Provider:
    """The provider of `kind` that the configuration calls `name`.

    Raises ProviderMisconfigured for a kind that is unknown or not yet built, and for a url or a
    secret that the provider can not work with.
    """
    builder = PROVIDERS.get(kind)
    if builder is not None:
        return builder(name, url, secret, client)
    if kind in LATER:
        raise ProviderMisconfigured(f"the provider {kind} is not built yet")
    near = get_close_matches(kind, [*PROVIDERS, *LATER], n=1)
    raise ProviderMisconfigured(
        f"no such provider: {kind}", hint=f"did you mean {near[0]}?" if near else ""
    )
