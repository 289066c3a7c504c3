"""`[cdn.NAME]`: a CDN in front, how it is purged and how it proves itself."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from cdn.providers import LATER, PROVIDERS
from gateway.settings.table import Secret, Table, Unfit

# Two more of the design that have no cache fields of their own yet.
_LATER = LATER | {"supabase", "vercel"}
_PLAIN = re.compile(r"[!-~]+")
_URL = re.compile(r"https?://[^\s/?#@\\]+(?:/[^\s?#\\]*)?")


def _provider(value: str) -> str:
    if value in _LATER:
        raise Unfit(f"{value} comes with a later release", f"now: {', '.join(PROVIDERS)}")
    if value not in PROVIDERS:
        near = get_close_matches(value, [*PROVIDERS, *sorted(_LATER)], n=1)
        hint = f"nearest: {near[0]}" if near else f"known: {', '.join(PROVIDERS)}"
        raise Unfit("is no provider known here", hint)
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
    secret: Secret = Field(
        default=Secret(""),
        validate_default=True,
        description="Authenticates our purges to the CDN; varnish needs it.",
    )
    shield: tuple[Secret, ...] = Field(
        default=(), description="Secrets that authenticate the CDN to us, newest first."
    )

    @field_validator("url")
    @classmethod
    def _where_purges_go(cls, url: str, info: ValidationInfo) -> str:
        if not url and info.data.get("provider") == "varnish":
            raise Unfit("is needed by the provider varnish", "such as http://127.0.0.1:6081")
        if url and not _is_url(url):
            raise Unfit("is not an http or https URL without user, query and fragment")
        return url

    @field_validator("secret")
    @classmethod
    def _fits_a_field(cls, secret: Secret, info: ValidationInfo) -> Secret:
        if info.data.get("provider") == "varnish" and not _PLAIN.fullmatch(
            secret.get_secret_value()
        ):
            raise Unfit("is needed by the provider varnish", "plain ASCII without spaces")
        return secret

    @field_validator("shield")
    @classmethod
    def _no_empty_secret(cls, shield: tuple[Secret, ...]) -> tuple[Secret, ...]:
        if any(not secret.get_secret_value() for secret in shield):
            raise Unfit("holds an empty secret, which anybody could tell")
        return shield


def _is_url(text: str) -> bool:
    try:
        return bool(_URL.fullmatch(text)) and urlsplit(text).port != 0
    except ValueError:
        return False
