"""The survey: whether a Supabase project is what the gateway needs in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from gateway.errors import Answer, KeysUnavailable, UpstreamUnavailable
from gateway.supabase.keys import KeySet
from gateway.survey import apikeys
from gateway.survey.buckets import Bucket, Samples, bucket_checks, buckets_in
from gateway.survey.checks import Check, failed
from gateway.survey.policies import policy_check
from gateway.survey.probe import Probe

JWKS = "/auth/v1/.well-known/jwks.json"
APART = 5.0
"""Seconds that two clocks may differ before links and tokens end at surprising times."""

_OPAQUE = (
    "no key to verify users' tokens with: Supabase alone judges each, and whom a token names is "
    "taken from it as it is"
)
_SECRET = "give the JWT secret: OSTIARY_SUPABASE__JWT_SECRET"
_SILENCE = {
    "tls": ("TLS fails", "does it speak https there? is its certificate one that is trusted here?"),
    "name": ("there is no host of that name", "look at the spelling of the project's reference"),
    "refused": ("nobody listens there", "look at host and port; is the project up?"),
    "timeout": ("there is no answer in time", "is the project paused, or a firewall between?"),
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a project is looked at with. `url` is scheme and host[:port].

    `jwks_url` is where published keys should be; with `seeking`, where they may be. `buckets` are
    those to be looked at; none: all.
    """

    url: str
    service_key: str = field(repr=False)
    anon_key: str = field(default="", repr=False)
    jwt_secret: str = field(default="", repr=False)
    jwks_url: str = ""
    seeking: bool = False
    buckets: tuple[str, ...] = ()

    def wants(self, bucket: str) -> bool:
        """Whether a bucket is to be looked at."""
        return not self.buckets or bucket in self.buckets


@dataclass(frozen=True, slots=True)
class Survey:
    """All checks in their order, the buckets to deliver from, and whether keys are published."""

    checks: tuple[Check, ...]
    buckets: tuple[Bucket, ...] = ()
    published: bool = False


async def survey(probe: Probe, access: Access, clock: Callable[[], float]) -> Survey:
    """Look at a project; nothing of it is changed. `clock` gives Unix seconds."""
    try:
        answer = await probe.ask("GET", "/bucket", access.service_key)
    except UpstreamUnavailable as error:
        return Survey((_silent(str(error)),))
    now, storage = clock(), _storage(answer)
    if storage.state == "fail":
        return Survey((storage,))
    key = apikeys.judge(access.service_key, answer, now)
    keys = await _published(probe, access.jwks_url)
    outside = [storage, key, await _tokens(access, keys), *_clock(answer, now)]
    if key.state == "fail" or not access.service_key:
        return Survey(tuple(outside))
    every = buckets_in(answer)
    usable = tuple(one for one in every if one.addressable and access.wants(one.name))
    inside = [*bucket_checks(every, access.buckets)]
    if not failed(inside):
        inside += await _inside(probe, access, usable)
    return Survey((*outside, *inside), usable, bool(keys.keys))


async def _inside(probe: Probe, access: Access, buckets: tuple[Bucket, ...]) -> list[Check]:
    try:
        samples = await Samples.of(probe, access.service_key, buckets)
        policies = await policy_check(probe, access.anon_key, samples)
        return [policies, await samples.octets_check(probe, access.service_key)]
    except UpstreamUnavailable as error:
        return [_silent(str(error))]


def _silent(reason: str) -> Check:
    detail, hint = _SILENCE.get(reason, ("the connection breaks", "try again"))
    return Check("storage", "fail", detail, hint)


def _storage(answer: Answer) -> Check:
    """Whether it is Supabase's storage that answered; every version of it asks for credentials."""
    status = answer.status
    if 300 <= status < 400:
        place = _origin(answer)
        hint = f"name the address it leads to: {place}" if place else "name where it leads to"
        return Check("storage", "fail", f"answers with a redirect ({status})", hint)
    if status >= 500:
        hint = "is the project up? a paused one has to be restored first"
        return Check("storage", "fail", f"answers with status {status}", hint)
    is_list = status == 200 and answer.body.lstrip()[:1] == b"["
    if is_list or (status in (400, 401, 403) and answer.said.get("message")):
        return Check("storage", "ok", "answers at /storage/v1")
    hint = "name the project's own address: https://ref.supabase.co, or its API gateway's"
    return Check("storage", "fail", f"is not at /storage/v1 there (status {status})", hint)


def _origin(answer: Answer) -> str:
    """Where a redirect leads, without the path."""
    location = dict(answer.fields).get(b"location", b"").decode("latin-1")
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else ""
    except ValueError:
        return ""


async def _published(probe: Probe, url: str) -> KeySet:
    """The keys that can be used; none where they can not be read either."""
    if not url:
        return KeySet()
    try:
        answer = await probe.read(url)
        return KeySet.read(answer.body) if answer.status == 200 else KeySet()
    except (UpstreamUnavailable, KeysUnavailable):
        return KeySet()


async def _tokens(access: Access, published: KeySet) -> Check:
    if not published.keys and access.jwks_url and not access.seeking:
        hint = "look at [supabase] jwks_url"
        return Check("tokens", "fail", "no key that can be used is published", hint)
    if access.jwt_secret:
        if fault := await apikeys.secret_fault(access.service_key, access.jwt_secret):
            hint = "take it from the project's JWT settings"
            return Check("tokens", "fail", f"the JWT secret is wrong: {fault}", hint)
        also = f", and by {_kinds(published)}" if published.keys else ""
        return Check("tokens", "ok", f"verified by the JWT secret{also}")
    if not published.keys:
        return Check("tokens", "warn", _OPAQUE, _SECRET)
    return _by_published(access, published)


def _by_published(access: Access, published: KeySet) -> Check:
    """A project on its way from the shared secret to keys may still issue tokens by the secret."""
    if apikeys.ApiKey.read(access.service_key).algorithm == "HS256":
        hint = f"as long as the project issues such tokens, {_SECRET}"
        detail = f"verified by {_kinds(published)}; HS256 tokens are refused"
        return Check("tokens", "warn", detail, hint)
    return Check("tokens", "ok", f"verified by {_kinds(published)}")


def _kinds(published: KeySet) -> str:
    kinds = ", ".join(sorted({key.algorithm for key in published.keys}))
    return f"published keys ({kinds})"


def _clock(answer: Answer, now: float) -> list[Check]:
    """By the Date field, in whole seconds; nothing where there is none."""
    try:
        told = parsedate_to_datetime(dict(answer.fields)[b"date"].decode("latin-1")).timestamp()
    except (KeyError, ValueError, OverflowError):
        return []
    apart = now - told
    if abs(apart) <= APART:
        return [Check("clock", "ok", "agrees with the project's")]
    what = f"is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the project's"
    return [Check("clock", "warn", what, "tokens and links end at their clocks: set this one")]
