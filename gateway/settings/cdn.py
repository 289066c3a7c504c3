"""`[cdn.NAME]`: a CDN in front, how it is purged and how it proves itself."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from cdn.facts import FACTS
from cdn.setups import Setup, fault
from gateway.settings.table import Secret, Table, Unfit

_DIGEST = re.compile(r"[0-9a-f]{64}")


def _provider(value: str) -> str:
    if value not in FACTS:
        near = get_close_matches(value, FACTS, n=1)
        hint = f"nearest: {near[0]}" if near else f"known: {', '.join(FACTS)}"
        raise Unfit("is no provider known here", hint)
    return value


def _certificate(value: str) -> str:
    known = value.lower().replace(":", "").removeprefix("sha256")
    if value.startswith("sha256:") or _DIGEST.fullmatch(known):
        if not _DIGEST.fullmatch(known):
            raise Unfit("is no digest", '"sha256:" and 64 hex digits of the certificate in DER')
        return f"sha256:{known}"
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise Unfit("is no name of a certificate", "such as cdn.example.org, or sha256:<64 hex>")
    return value.lower()


class CdnSettings(Table):
    """One CDN; `provider` stands first, since it says what the others must be."""

    provider: Annotated[str, AfterValidator(_provider)] = Field(
        description="Its kind: varnish, cloudflare, fastly, cloudfront, bunny, akamai, google, "
        "vercel, nginx, supabase, or null, which only notes what it was asked."
    )
    url: str = Field(
        default="",
        validate_default=True,
        description="Where purges are sent, http or https; varnish, nginx, akamai and supabase "
        "need it. The others have an API that is known.",
    )
    id: str = Field(
        default="",
        validate_default=True,
        description="What is purged: Cloudflare's zone, Fastly's service, CloudFront's "
        "distribution, Bunny's pull zone, Google's URL map, Vercel's project.",
    )
    account: str = Field(
        default="",
        validate_default=True,
        description="Whose it is: Google's project, Vercel's team.",
    )
    plan: str = Field(
        default="",
        validate_default=True,
        description="Cloudflare's plan, which sets how often it may be called: free, pro, "
        "business or enterprise; not given: free.",
    )
    network: str = Field(
        default="",
        validate_default=True,
        description="Akamai's network: production or staging; not given: production.",
    )
    secret: Secret = Field(
        default=Secret(""),
        validate_default=True,
        description="Authenticates our purges to the CDN: a shared secret, a token, Akamai's "
        "client secret, AWS's secret key, or the JSON key of Google's service account.",
    )
    client_token: Secret = Field(
        default=Secret(""), validate_default=True, description="Akamai's client token."
    )
    access_token: Secret = Field(
        default=Secret(""), validate_default=True, description="Akamai's access token."
    )
    access_key: Secret = Field(
        default=Secret(""),
        validate_default=True,
        description="AWS's access key, with `secret`; without both, what boto3 finds by itself.",
    )
    shield: tuple[Secret, ...] = Field(
        default=(), description="Secrets that authenticate the CDN to us, newest first."
    )
    certificates: tuple[Annotated[str, AfterValidator(_certificate)], ...] = Field(
        default=(),
        description="Client certificates that authenticate the CDN to us, each by a name that "
        'stands in it, or by its digest, "sha256:<64 hex>"; one is enough. They need `client_ca` '
        "of [server].",
    )

    @field_validator("url", "id", "account", "plan", "network")
    @classmethod
    def _fits_the_provider(cls, value: str, info: ValidationInfo) -> str:
        _judge(value, info)
        return value

    @field_validator("secret", "client_token", "access_token", "access_key")
    @classmethod
    def _fits_the_provider_and_stays_unseen(cls, secret: Secret, info: ValidationInfo) -> Secret:
        _judge(secret.get_secret_value(), info)
        return secret

    @field_validator("access_key")
    @classmethod
    def _with_its_secret(cls, key: Secret, info: ValidationInfo) -> Secret:
        secret = info.data.get("secret")
        whole = secret is None or bool(secret.get_secret_value()) == bool(key.get_secret_value())
        if info.data.get("provider") == "cloudfront" and not whole:
            raise Unfit("and secret go together")
        return key

    @field_validator("shield")
    @classmethod
    def _can_be_shown(cls, shield: tuple[Secret, ...]) -> tuple[Secret, ...]:
        told = [secret.get_secret_value() for secret in shield]
        if not all(told):
            raise Unfit("holds an empty secret, which anybody could tell")
        if any(secret != secret.strip() or not secret.isprintable() for secret in told):
            hint = "leave out white space around it, and what can not be printed"
            raise Unfit("holds a secret that no field can show", hint)
        return shield

    @property
    def proves(self) -> bool:
        """Whether there is anything by which it can prove itself."""
        return bool(self.shield or self.certificates)

    def setup(self, name: str) -> Setup:
        """The value that providers work with."""
        return Setup(
            name=name,
            url=self.url,
            id=self.id,
            account=self.account,
            plan=self.plan,
            network=self.network,
            secret=self.secret.get_secret_value(),
            client_token=self.client_token.get_secret_value(),
            access_token=self.access_token.get_secret_value(),
            access_key=self.access_key.get_secret_value(),
        )


def _judge(value: str, info: ValidationInfo) -> None:
    """Raise `Unfit` for what the provider can not work with; without one nothing is judged."""
    kind, key = info.data.get("provider"), info.field_name
    found = fault(kind, key, value) if kind and key else None
    if found:
        raise Unfit(found.what, found.hint)
