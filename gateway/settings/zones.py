"""`[zones.NAME]`: a policy domain of documents, its buckets, its times and its places."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gateway.documents import CacheMode, Pull, Zone
from gateway.settings.table import Name, Number, Region, Switch, Table, Unfit, filled
from signing.addresses import canonical_key, check_bucket
from signing.errors import Unsignable

TEN_YEARS = 315_360_000
# Each has its tag on every answer below it, and a CDN takes eight tags in all.
MOST_NESTED = 3

_ORIGIN = re.compile(
    r"https?://(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+))(?::(?P<port>[0-9]{1,5}))?"
)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def _bucket(value: str) -> str:
    try:
        check_bucket(value)
    except (Unsignable, UnicodeEncodeError):
        raise Unfit(
            "holds what is no bucket's name",
            "1 to 100 octets of UTF-8, not . or .., not beginning with ~, without slash, "
            "backslash and control characters",
        ) from None
    return value


def _revocable(value: str) -> str:
    *segments, last = value.split("/")
    if last or len(segments) < 2:
        raise Unfit(
            "is not bucket/prefix/ with a slash at its end",
            "whole segments; a bucket as a whole can always be revoked",
        )
    try:
        canonical_key("/".join(segments[1:]))
    except Unsignable:
        raise Unfit(
            "holds what no document's name may hold",
            "such as an empty or a dot segment, or a control character",
        ) from None
    return value


def _public_url(value: str) -> str:
    match = _ORIGIN.fullmatch(value)
    if value and not (match and _is_host(match) and int(match["port"] or 443) in range(1, 65_536)):
        raise Unfit(
            "is not scheme and host[:port]",
            "such as https://docs.example.org, without a path or a slash at its end",
        )
    return value


def _is_host(match: re.Match[str]) -> bool:
    if match["host"]:
        return all(map(_LABEL.fullmatch, match["host"].split(".")))
    try:
        ipaddress.IPv6Address(match["v6"])
    except ValueError:
        return False
    return True


Bucket = Annotated[str, AfterValidator(_bucket)]
Seconds = Annotated[Number, Field(ge=0, le=TEN_YEARS)]
Life = Annotated[Number, Field(ge=1, le=TEN_YEARS)]


class ZoneSettings(Table):
    """One zone. `longest_life` stands before `window`, which is judged with it."""

    store: Name = Field(description="The name of the store that holds its documents.")
    buckets: Annotated[tuple[Bucket, ...], AfterValidator(filled)] = Field(
        description="Its buckets; a bucket belongs to one zone."
    )
    cache: CacheMode = Field(
        default="private",
        description="Who may keep its documents: private (browsers only), windowed (any CDN, as "
        "long as the link lives), revalidate (nobody without asking), edge (a CDN that verifies "
        "links itself and proves it; needs `public_url` and a CDN with a `shield`).",
    )
    longest_life: Life = Field(
        default=86_400, description="The longest life of a link, in seconds."
    )
    window: Life = Field(
        default=900,
        validate_default=True,
        description="Links asked for within it share one text; seconds, up to `longest_life`.",
    )
    ttl: Seconds = Field(
        default=86_400,
        description="How long shared caches may keep an answer, in seconds; never beyond the link.",
    )
    stale_while_revalidate: Seconds = Field(
        default=0, description="Seconds a shared cache may serve stale while it asks again."
    )
    stale_if_error: Seconds = Field(
        default=0, description="Seconds a shared cache may serve stale while the gateway is down."
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        default="",
        description="Scheme and host[:port] of issued links, the CDN's; empty for this server.",
    )
    home: Region = Field(
        default="", description="The region it lives in; elsewhere 451, nothing read."
    )
    allowed: tuple[Name, ...] = Field(
        default=(), description="Regions beside `home` that may hold and serve it."
    )
    revocable: tuple[Annotated[str, AfterValidator(_revocable)], ...] = Field(
        default=(),
        description='Prefixes, each "bucket/prefix/", whose links can be revoked together; '
        "decoded, whole segments.",
    )
    sealed: Switch = Field(default=False, description="Issue sealed addresses, which show no name.")
    cors: Switch = Field(default=False, description="Let pages of any origin read its documents.")
    prefetch: Switch = Field(
        default=False,
        description="Once a rung of the ladder was made, make the next narrower and the next wider "
        "one in the background, while nobody waits.",
    )
    cdn: tuple[Name, ...] | None = Field(
        default=None, description="The CDNs in front of it; not given: every configured one."
    )
    pull: Pull = Field(
        default="anyone",
        description="Who may read its documents from this server: anyone with a good link, or "
        "only its CDNs, each proved by its `shield` or `certificates`.",
    )

    @field_validator("window")
    @classmethod
    def _within_the_longest_life(cls, window: int, info: ValidationInfo) -> int:
        longest = info.data.get("longest_life", TEN_YEARS)
        if window > longest:
            raise Unfit(f"is longer than longest_life, {longest}")
        return window

    @field_validator("allowed")
    @classmethod
    def _beside_a_home(cls, allowed: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if allowed and info.data.get("home") == "":
            raise Unfit("binds nothing without a home", 'give the zone a home, such as "eu"')
        return allowed

    @field_validator("revocable")
    @classmethod
    def _of_its_buckets(cls, revocable: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if len(set(revocable)) < len(revocable):
            raise Unfit("names a prefix twice")
        buckets = info.data.get("buckets")
        if buckets is not None:
            for prefix in revocable:
                if prefix.partition("/")[0] not in buckets:
                    raise Unfit(f"{prefix} begins with no bucket of this zone")
        for prefix in revocable:
            if sum(prefix.startswith(other) for other in revocable) > MOST_NESTED:
                raise Unfit(f"more than {MOST_NESTED} prefixes hold {prefix}")
        return revocable

    def zone(self, name: str, every_cdn: tuple[str, ...]) -> Zone:
        """The value that the gateway works with."""
        values = self.model_dump()
        values["cdn"] = every_cdn if self.cdn is None else self.cdn
        return Zone(name=name, **values)
