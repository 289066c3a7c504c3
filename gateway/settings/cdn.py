"""`[cdn.NAME]`: a CDN in front, how it is purged and how it proves itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gateway.settings.table import Secret, Table, Unfit

PROVIDERS = ("varnish", "null")
LATER = (
    "akamai",
    "bunny",
    "cloudflare",
    "cloudfront",
    "fastly",
    "google",
    "nginx",
    "supabase",
    "vercel",
)

_URL = re.compile(r"https?://[^\s/?#@\\]+(?:/[^\s?#\\]*)?")


def _provider(value: str) -> str:
    if value in LATER:
        raise Unfit(f"{value} comes with a later release", f"now: {', '.join(PROVIDERS)}")
    if value not in PROVIDERS:
        raise Unfit("is not a provider known here", f"known: {', '.join(PROVIDERS)}")
    return value


class CdnSettings(Table):
    """One CDN."""

    provider: Annotated[str, AfterValidator(_provider)] = Field(
        description="Its kind: varnish, or null, which only notes what it was asked."
    )
    url: str = Field(
        default="",
        validate_default=True,
        description="Where purges are sent, http or https; varnish needs it.",
    )
    secret: Secret = Field(default=Secret(""), description="Authenticates our purges to the CDN.")
    shield: tuple[Secret, ...] = Field(
        default=(), description="Secrets that authenticate the CDN to us, newest first."
    )

    @field_validator("url")
    @classmethod
    def _where_purges_go(cls, url: str, info: ValidationInfo) -> str:
        if not url and info.data.get("provider") == "varnish":
            raise Unfit("is needed by the provider varnish", "such as http://127.0.0.1:6081")
        if url and not _URL.fullmatch(url):
            raise Unfit("is not an http or https URL without user, query and fragment")
        return url

    @field_validator("shield")
    @classmethod
    def _no_empty_secret(cls, shield: tuple[Secret, ...]) -> tuple[Secret, ...]:
        if any(not secret.get_secret_value() for secret in shield):
            raise Unfit("holds an empty secret, which anybody could tell")
        return shield
