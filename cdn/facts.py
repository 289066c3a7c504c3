"""The table of facts: what each kind of CDN calls things, can forget, and bears.

Where a vendor names no figure, a careful one stands here, and a comment says so. docs/cdns.md
shows the same figures to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

Dialect: TypeAlias = Literal["targeted", "seconds", "single"]
Ability: TypeAlias = Literal["tags", "urls", "all", "soft"]

UNBOUND = float("inf")


@dataclass(frozen=True, slots=True)
class Profile:
    """How one CDN is spoken to.

    `shared_field` carries the words for it: directives (dialect "targeted"), bare seconds
    ("seconds"), or nothing, since it reads Cache-Control only ("single"). `tag_field` is empty
    for a CDN without tags. `refusal` is the Cache-Control that it takes for "do not store".
    """

    name: str
    shared_field: str
    tag_field: str
    tag_separator: str = ","
    dialect: Dialect = "targeted"
    refusal: str = "no-store"
    shared_name: bytes = field(init=False, repr=False, compare=False)
    tag_name: bytes = field(init=False, repr=False, compare=False)
    separator: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shared_name", self.shared_field.lower().encode())
        object.__setattr__(self, "tag_name", self.tag_field.lower().encode())
        object.__setattr__(self, "separator", self.tag_separator.encode())

    @property
    def single_field(self) -> bool:
        """Whether the CDN reads Cache-Control only."""
        return self.dialect == "single"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a CDN bears: tags in one call, calls per second, calls in a burst, and the same two
    for tags where it counts them apart. Both are token buckets that begin full."""

    batch: int
    rate: float
    burst: int
    tag_rate: float = UNBOUND
    tag_burst: float = UNBOUND


@dataclass(frozen=True, slots=True)
class Settling:
    """When a CDN has carried out a purge that it took.

    Where it can be `asked`, it is, every so many `seconds`; elsewhere it has then, by its vendor's
    word. 0: before it answers.
    """

    seconds: float = 0.0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class TagRules:
    """What of an answer's tags a CDN keeps: how many, octets of each, octets of the field."""

    most: int
    longest: int
    octets: int


@dataclass(frozen=True, slots=True)
class Auth:
    """Which field proves our calls, and what stands in it before the secret."""

    field: str = ""
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One kind of CDN.

    `limits` are by the customer's plan; the first is the most careful one. With `account` they
    are shared by all that has the same credentials. `abilities` are what it can be told: to forget
    tags, single URLs, or all; softly, or else hard only. `api` is where its API is, empty where
    `url` must say it. `needs` and `takes` are keys of a `cdn.setups.Setup`. After a 429 without
    Retry-After nothing is sent for `pause` seconds.
    """

    profile: Profile
    limits: Mapping[str, Limits]
    tags: TagRules
    abilities: frozenset[Ability]
    auth: Auth = Auth()
    api: str = ""
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    account: bool = False
    pause: float = 0.0
    settling: Settling = Settling()

    def limits_of(self, plan: str) -> Limits:
        """The limits of a plan; those of the most careful one for none."""
        return self.limits[plan] if plan else next(iter(self.limits.values()))


NONE = Profile("none", "CDN-Cache-Control", "Cache-Tag")
"""No CDN configured: the general names, for whatever stands in front."""

_BEARER = Auth("Authorization", "Bearer ")
OUR_FIELD = "purge-key"
"""The field that caches under our own configurations are asked to forget by."""
_OURS = Auth(OUR_FIELD)
_NO_TAGS = TagRules(0, 0, 0)
_SECRETS = ("secret", "client_token", "access_token", "access_key")


def _any(batch: int, rate: float, burst: int, *tags: float) -> Mapping[str, Limits]:
    return MappingProxyType({"": Limits(batch, rate, burst, *tags)})


def _can(*abilities: Ability) -> frozenset[Ability]:
    return frozenset(abilities)


FACTS: Mapping[str, Facts] = MappingProxyType(
    {
        "varnish": Facts(
            Profile("varnish", "Surrogate-Control", "xkey", " "),
            # 240 tags of 32 octets with their separators stay below http_req_hdr_len, 8 kB.
            _any(240, 1_000, 1_000),
            TagRules(240, 32, 8_000),
            _can("tags", "urls", "soft"),
            auth=_OURS,
            needs=("url", "secret"),
        ),
        "cloudflare": Facts(
            Profile("cloudflare", "Cloudflare-CDN-Cache-Control", "Cache-Tag"),
            MappingProxyType(
                {
                    "free": Limits(100, 5 / 60, 25),
                    "pro": Limits(100, 5, 25),
                    "business": Limits(100, 10, 50),
                    "enterprise": Limits(100, 50, 500),
                }
            ),
            TagRules(1_000, 1_024, 16_000),
            _can("tags", "urls", "all", "soft"),
            auth=_BEARER,
            api="https://api.cloudflare.com",
            needs=("id", "secret"),
            takes=("url", "plan"),
            account=True,
            # "Instant", without a figure.
            settling=Settling(30.0),
        ),
        "fastly": Facts(
            # Fastly does not heed no-store in Cache-Control, only private.
            Profile(
                "fastly", "Surrogate-Control", "Surrogate-Key", " ", refusal="private, no-store"
            ),
            # 100,000 purges an hour; each key is counted as one, and the burst is part of them.
            _any(256, 10, 100, 25, 10_000),
            TagRules(500, 1_024, 16_000),
            _can("tags", "urls", "all", "soft"),
            auth=Auth("Fastly-Key"),
            api="https://api.fastly.com",
            needs=("id", "secret"),
            takes=("url",),
            account=True,
            # About 150 ms, around the world.
            settling=Settling(2.0),
        ),
        "cloudfront": Facts(
            Profile("cloudfront", "", "Cache-Tag", dialect="single"),
            # At most 3,000 paths in progress (AWS's page InvalidationLimits), and each tag is one.
            # No rate of calls is published: one a second is a guess.
            _any(500, 1, 10, 2.5, 1_500),
            TagRules(50, 256, 50 * 257),
            _can("tags", "urls", "all"),
            needs=("id",),
            takes=("url", "secret", "access_key"),
            # Minutes at most; GetInvalidation tells.
            settling=Settling(10.0, asked=True),
        ),
        "bunny": Facts(
            Profile("bunny", "", "CDN-Tag", dialect="single"),
            # docs.bunny.net/cdn/purge-cache has exact URLs (120, 5/s) and prefixes (20, 0.5/s),
            # for the account. Tags are not named among them: the slower type is a guess.
            _any(1, 0.5, 20),
            TagRules(30, 1_024, 1_024),
            _can("tags", "urls", "all"),
            auth=Auth("AccessKey"),
            api="https://api.bunny.net",
            needs=("id", "secret"),
            takes=("url",),
            account=True,
            # No figure is named.
            settling=Settling(60.0),
        ),
        "akamai": Facts(
            Profile("akamai", "CDN-Cache-Control", "Edge-Cache-Tag"),
            # A body of 50,000 octets holds 1,400 tags of 32.
            _any(1_400, 50, 100, 500 / 60, 5_000),
            TagRules(128, 128, 128 * 129),
            _can("tags", "urls", "soft"),
            auth=Auth("Authorization", "EG1-HMAC-SHA256 "),
            needs=("url", "secret", "client_token", "access_token"),
            takes=("network",),
            account=True,
            pause=5.0,
            # Its estimatedSeconds; a longer one in an answer holds for that purge.
            settling=Settling(5.0),
        ),
        "google": Facts(
            Profile("google", "", "Cache-Tag", dialect="single"),
            # 500 calls in any minute, the burst among them. Ten tags, as its Media CDN has it.
            _any(10, 7, 50),
            TagRules(50, 120, 6_000),
            _can("tags", "urls", "all"),
            auth=_BEARER,
            api="https://compute.googleapis.com",
            needs=("id", "account", "secret"),
            takes=("url",),
            account=True,
            # About 10 s; the operation tells.
            settling=Settling(5.0, asked=True),
        ),
        "vercel": Facts(
            Profile("vercel", "Vercel-CDN-Cache-Control", "Vercel-Cache-Tag"),
            # vercel.com/docs/rest-api/edge-cache/invalidate-by-tag: a list has 8,196 octets, a tag
            # 256. No rate is named there or among Vercel's limits: five a second is a guess.
            _any(200, 5, 20),
            TagRules(128, 256, 8_196),
            _can("tags", "soft"),
            auth=_BEARER,
            api="https://api.vercel.com",
            needs=("id", "secret"),
            takes=("url", "account"),
            account=True,
            # No figure is named.
            settling=Settling(60.0),
        ),
        "nginx": Facts(
            Profile("nginx", "X-Accel-Expires", "", dialect="seconds"),
            # Each tag costs a look into the index; the copies behind them go in calls of 1,000.
            _any(100, 1_000, 1_000),
            _NO_TAGS,
            _can("urls"),
            auth=_OURS,
            needs=("url", "secret"),
        ),
        "supabase": Facts(
            # Its CDN stands before the project's own URLs and pulls nothing from us.
            NONE,
            # supabase.com/docs/guides/storage/cdn/purge-cdn-cache names no rate: a guess.
            _any(1, 5, 20),
            _NO_TAGS,
            _can("urls", "all"),
            auth=_BEARER,
            needs=("url", "secret"),
            account=True,
            # Up to 60 s.
            settling=Settling(60.0),
        ),
        "null": Facts(
            NONE,
            _any(1_000, 10_000, 10_000),
            TagRules(1_000, 1_024, 16_000),
            _can("tags", "urls", "all", "soft"),
            takes=("url", "id", "account", "plan", "network", *_SECRETS),
        ),
    }
)
"""Every kind of CDN, by the name it has in the configuration."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {facts.profile.name: facts.profile for facts in FACTS.values()}
)
"""How each kind is spoken to, and `none`."""
