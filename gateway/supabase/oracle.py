"""Asking upstream whether a caller may: its row level security is the only judge."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal, cast
from urllib.parse import unquote

from gateway.caches.coalesce import Coalescer
from gateway.errors import Answer, UpstreamRefused, UpstreamUnavailable
from gateway.permits import OWN
from gateway.supabase.callers import Caller
from gateway.supabase.costs import FREE, Costs
from gateway.supabase.decisions import Decision, Decisions, Question
from gateway.supabase.messages import MOST_PATHS, SignMany, SignOne
from gateway.supabase.upstream import NOBODY, Upstream, quoted
from signing.addresses import canonical_bucket

How = Literal["public", "authenticated", "bare"]
"""On which of the routes for reading."""

_BELOW: dict[How, str] = {
    "public": "/object/public/",
    "authenticated": "/object/authenticated/",
    "bare": "/object/",
}
_PAUSE = 5
_ONE_OCTET = (("range", "bytes=0-0"),)
_MAX_AGE = re.compile(rb'max-age="?(\d{1,10})"?')
_NEVER_SHARED = frozenset((b"no-cache", b"no-store", b"private"))


@dataclass(frozen=True, slots=True)
class Sight:
    """What upstream said of one key of many: an `error` in its own words, or none: a yes.

    `signed_url` is the one it made; empty where the yes was known already.
    """

    key: str
    error: str = ""
    signed_url: str = ""

    @property
    def allowed(self) -> bool:
        return not self.error


class Oracle:
    """Asks upstream as the caller, on the route and by the operation that the caller used.

    A yes is remembered in `decisions`; equal questions at one time are asked once. A no raises
    `UpstreamRefused`, whose answer is for this caller and is not kept. What is neither raises
    `UpstreamUnavailable`; an address that can not be, `Unsignable`. `costs` hears of it all.
    """

    def __init__(self, upstream: Upstream, decisions: Decisions, costs: Costs = FREE) -> None:
        self._upstream = upstream
        self._decisions = decisions
        self._costs = costs
        self._asks: Coalescer[Hashable, str] = Coalescer()
        self._reads: Coalescer[Hashable, Decision] = Coalescer()

    async def sign_one(
        self, caller: Caller, bucket: str, key: str, body: SignOne, *, fresh: bool = False
    ) -> str:
        """Whether the caller may sign a URL: upstream's own, or "" where a yes is known.

        With `fresh`, what is known is of no use, and there always is a URL.
        """
        if not fresh and self._decisions.known(caller, "sign", bucket, key):
            self._costs.decided(1, 0)
            return ""
        self._costs.decided(0, 1)
        question = self._decisions.question(caller, "sign", bucket, key)
        wire = body.wire
        return await self._asks.load(
            (question.place, wire),
            lambda: self._costs.of("sign", self._ask_one(caller, question, wire)),
        )

    async def sign_many(
        self,
        caller: Caller,
        bucket: str,
        keys: Sequence[str],
        body: SignMany,
        *,
        fresh: bool = False,
    ) -> list[Sight]:
        """What upstream says of each of `keys`, in their order; one call for all not yet known."""
        known = self._decisions.known_of(caller, "sign_many", bucket, keys)
        sights = {
            key: Sight(key) for key, yes in zip(keys, known, strict=True) if yes and not fresh
        }
        unknown = [key for key in dict.fromkeys(keys) if key not in sights]
        self._costs.decided(len(sights), len(unknown))
        for first in range(0, len(unknown), MOST_PATHS):
            some = unknown[first : first + MOST_PATHS]
            asking = self._ask_many(caller, bucket, some, body)
            for sight in await self._costs.of("sign_many", asking):
                sights[sight.key] = sight
        return [sights[key] for key in keys]

    async def read(
        self, caller: Caller, route: How, method: str, bucket: str, key: str
    ) -> Decision:
        """Whether the caller may GET or HEAD the object on that route.

        On `public` nobody's credentials are sent, and the yes is everybody's.
        """
        asker = NOBODY if route == "public" else caller
        operation = f"{method} {route}"
        known = self._decisions.known(asker, operation, bucket, key)
        if known:
            self._costs.decided(1, 0)
            return known
        self._costs.decided(0, 1)
        question = self._decisions.question(asker, operation, bucket, key)
        return await self._reads.load(
            question.place,
            lambda: self._costs.of("read", self._ask_to_read(asker, route, method, question)),
        )

    async def aclose(self) -> None:
        """Stop what is being asked."""
        await self._asks.aclose()
        await self._reads.aclose()

    async def _ask_one(self, caller: Caller, question: Question, wire: bytes) -> str:
        path = f"/object/sign/{quoted(question.bucket, question.key)}"
        answer = await self._upstream.ask("POST", path, caller, body=wire)
        _judge(answer)
        match answer.said:
            case {"signedURL": str() as url} if _opens(url, question.bucket, question.key):
                self._decisions.remember(question, question.yes())
                return url
            case _:
                raise UpstreamUnavailable("form")

    async def _ask_many(
        self, caller: Caller, bucket: str, keys: list[str], body: SignMany
    ) -> list[Sight]:
        questions = self._decisions.questions(caller, "sign_many", bucket, keys)
        path = f"/object/sign/{canonical_bucket(bucket)}"
        answer = await self._upstream.ask("POST", path, caller, body=body.wire(keys))
        _judge(answer)
        sights = _sights(answer.body, bucket, keys)
        for question, sight in zip(questions, sights, strict=True):
            if sight.allowed:
                self._decisions.remember(question, question.yes())
        return sights

    async def _ask_to_read(
        self, caller: Caller, route: How, method: str, question: Question
    ) -> Decision:
        # What upstream does not know it ignores, but a cache in front of it finds nothing old.
        nonce = f"?cacheNonce={token_hex(8)}"
        path = _BELOW[route] + quoted(question.bucket, question.key) + nonce
        answer = await self._probe(method, path, caller)
        decision = question.yes(_max_age(answer) if route == "public" else OWN)
        self._decisions.remember(question, decision)
        return decision

    async def _probe(self, method: str, path: str, caller: Caller) -> Answer:
        """An answer that is a yes. A GET asks for one octet; some stores have none, and fail."""
        fields = _ONE_OCTET if method == "GET" else ()
        answer = await self._upstream.probe(method, path, caller, fields=fields)
        if fields and _is_empty(answer):
            return answer
        if fields and (answer.status == 416 or answer.status >= 500):
            answer = await self._upstream.probe(method, path, caller)
        _judge(answer)
        # A page that some server in between gives to everybody has decided nothing.
        if not any(name == b"etag" and value for name, value in answer.fields):
            raise UpstreamUnavailable("form")
        return answer


def _judge(answer: Answer) -> None:
    if 400 <= answer.status < 500 and answer.status != 408:
        raise UpstreamRefused(answer)
    if answer.status not in (200, 206):
        raise UpstreamUnavailable("status", retry_after=answer.retry_after or _PAUSE)


def _is_empty(answer: Answer) -> bool:
    """Whether the server itself says that there is no first octet: it looked, so it may be read."""
    return answer.status in (400, 416) and answer.said.get("statusCode") == "416"


def _opens(url: str, bucket: str, key: str) -> bool:
    """Whether a signed URL is one of that very object, and not of what another asked for."""
    path, _, token = url.rpartition("?token=")
    routes = ("/object/sign/", "/render/image/sign/")
    return bool(token) and unquote(path) in [f"{route}{bucket}/{key}" for route in routes]


def _sights(body: bytes, bucket: str, keys: list[str]) -> list[Sight]:
    """Each key with its line of the answer, which must be of the same order."""
    try:
        lines: object = json.loads(body)
    except (ValueError, RecursionError):
        lines = None
    if not isinstance(lines, list) or len(cast(list[object], lines)) != len(keys):
        raise UpstreamUnavailable("form")
    pairs = zip(keys, cast(list[object], lines), strict=True)
    return [_sight(bucket, key, line) for key, line in pairs]


def _sight(bucket: str, key: str, line: object) -> Sight:
    match line:
        case {"path": path, "error": None, "signedURL": str() as url} if path == key and _opens(
            url, bucket, key
        ):
            return Sight(key, signed_url=url)
        case {"path": path, "error": str() as error} if path == key and error:
            return Sight(key, error)
        case _:
            raise UpstreamUnavailable("form")


def _max_age(answer: Answer) -> int:
    """What everybody may keep it for, in seconds; 0 unless it is said, and once (RFC 9111 §5.2)."""
    lines = [value for name, value in answer.fields if name == b"cache-control"]
    words = [word.strip().lower() for word in b",".join(lines).split(b",")]
    ages = [match[1] for word in words if (match := _MAX_AGE.fullmatch(word))]
    if len(ages) != 1 or not _NEVER_SHARED.isdisjoint(words):
        return 0
    return int(ages[0])
