"""API keys of a Supabase project: which kind one is, by its text and by what it may see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.errors import Answer, CallerRefused, ConfigurationError
from gateway.supabase import tokens
from gateway.supabase.keys import Secret
from gateway.survey.checks import Check

SERVICE = "service_role"
SOON = 30 * 86_400
_NAME = "service key"
_WHERE = "take the service_role or sb_secret_ key from the project's API settings"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a key's text says of itself; nothing of it is proved.

    `role` is that of the JWT, `service_role` of an `sb_secret_` key, `anon` of an
    `sb_publishable_` one, and "" where the text says nothing. `algorithm` is "" for what is no
    JWT; `expires_at` is in Unix seconds.
    """

    role: str
    algorithm: str = ""
    expires_at: float = math.inf

    @classmethod
    def read(cls, text: str) -> ApiKey:
        """Read any text: what is no key has no role."""
        if text.startswith("sb_secret_"):
            return cls(SERVICE)
        if text.startswith("sb_publishable_"):
            return cls("anon")
        if text.count(".") != 2:
            return cls("")
        try:
            claims, (algorithm, _) = tokens.unproved(text), tokens.header(text)
        except CallerRefused:
            return cls("")
        return cls(claims.role, algorithm, claims.expires_at)


def judge(text: str, buckets: Answer, now: float) -> Check:
    """Whether a key is a service key; `buckets` is what it got when it asked for all of them."""
    if not text:
        return Check(_NAME, "warn", "there is none, so less can be tried", _WHERE)
    key = ApiKey.read(text)
    if key.role in ("anon", "authenticated"):
        return Check(_NAME, "fail", f"is a key of the role {key.role}, not a service key", _WHERE)
    if key.expires_at <= now:
        return Check(_NAME, "fail", f"was good until {_day(key.expires_at)}", _WHERE)
    if buckets.status != 200:
        return Check(_NAME, "fail", "is refused", f"is it of this project? {_WHERE}")
    if key.role != SERVICE and buckets.body.strip() == b"[]":
        return Check(_NAME, "fail", "sees no bucket, as no service key would", _WHERE)
    return _accepted(key, now)


def _accepted(key: ApiKey, now: float) -> Check:
    if key.role != SERVICE:
        what = f"is of the role {key.role}" if key.role else "is of a kind that is not known"
        hint = "the key must not be bound by row level security"
        return Check(_NAME, "warn", f"is accepted and {what}", hint)
    if key.expires_at - now < SOON:
        return Check(_NAME, "warn", f"is accepted until {_day(key.expires_at)}", "renew it soon")
    return Check(_NAME, "ok", "is accepted, and is one")


async def signed_by(text: str, jwt_secret: str) -> bool | None:
    """Whether a key was signed with the secret; None where a key can not tell.

    Supabase's older keys are signed with the secret that users' HS256 tokens are. Raises
    `ConfigurationError` for a secret that can not be one.
    """
    shared = await Secret(jwt_secret).key("HS256", "")
    if ApiKey.read(text).algorithm != "HS256":
        return None
    try:
        tokens.proved(text, shared, "", "")
    except CallerRefused as refusal:
        return refusal.reason != "signature"
    return True


async def secret_fault(text: str, jwt_secret: str) -> str:
    """What is wrong with a JWT secret beside a key; "" when nothing is."""
    try:
        signed = await signed_by(text, jwt_secret)
    except ConfigurationError as error:
        return error.faults[0].what
    return "it did not sign the service key" if signed is False else ""


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(min(seconds, 32_503_680_000), UTC):%Y-%m-%d}"
