"""The CDNs that Ostiary can purge, by the name they have in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from cdn.errors import ProviderMisconfigured
from cdn.providers.akamai import Akamai
from cdn.providers.base import Limits, Provider, PurgeReceipt, Tools
from cdn.providers.bunny import Bunny
from cdn.providers.cloudflare import Cloudflare
from cdn.providers.cloudfront import CloudFront
from cdn.providers.fastly import Fastly
from cdn.providers.google import Google
from cdn.providers.nginx import Nginx
from cdn.providers.null import Null
from cdn.providers.supabase import Supabase
from cdn.providers.varnish import Varnish
from cdn.providers.vercel import Vercel
from cdn.setups import Setup

__all__ = ["PROVIDERS", "Limits", "Provider", "PurgeReceipt", "Setup", "Tools", "build"]

Builder = Callable[[Setup, Tools], Provider]


def _null(setup: Setup, tools: Tools) -> Provider:
    del tools
    return Null(setup.name)


PROVIDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "varnish": Varnish,
        "cloudflare": Cloudflare,
        "fastly": Fastly,
        "cloudfront": CloudFront,
        "bunny": Bunny,
        "akamai": Akamai,
        "google": Google,
        "vercel": Vercel,
        "nginx": Nginx,
        "supabase": Supabase,
        "null": _null,
    }
)
"""Kinds of CDN."""


def build(kind: str, setup: Setup, tools: Tools) -> Provider:
    """The provider of `kind` that `setup` describes.

    Raises ProviderMisconfigured for an unknown kind, and for a setup that it can not work with.
    """
    builder = PROVIDERS.get(kind)
    if builder is not None:
        return builder(setup, tools)
    near = get_close_matches(kind, PROVIDERS, n=1)
    raise ProviderMisconfigured(
        f"no such provider: {kind}", hint=f"did you mean {near[0]}?" if near else ""
    )
