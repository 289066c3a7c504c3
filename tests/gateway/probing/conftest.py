"""A gateway's canary behind a CDN in memory, in a time of their own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from cdn.facts import PROFILES
from gateway.copies import key_of
from gateway.deliveries import Request
from gateway.documents import CacheMode, Zone
from gateway.fronts.pullers import SHIELD, TOKEN
from gateway.probing import Ask, CanaryLinks, Probe, Reply, Report
from gateway.probing.canary import Canary, nonce_of
from gateway.wire.preconditions import UNCONDITIONAL
from signing.errors import LinkExpired, SigningError
from signing.keys import Key, KeyRing
from signing.links import Link, SignedZone, Signer

RING = KeyRing([Key("k1", bytes(range(32)))], "k1")
SECRET = "a-shield"
Fields = dict[str, str]


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    fresh: int = 0


@dataclass
class Gateway:
    """Judges as the real one does; `seen` has the targets that it was asked for."""

    clock: Clock
    mode: CacheMode = "windowed"
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        zone = Zone("clinic", "main", ("documents",), cache=self.mode, cdn=("varnish",))
        profiles = {"clinic": (PROFILES["varnish"],)}
        self.signer = Signer(RING, [SignedZone("clinic")])
        self.canary = Canary({"clinic": zone}, profiles, "cross-origin")

    def judge(self, target: str) -> Link:
        path, _, query = target.partition("?")
        link = self.signer.verify(path.encode(), query.encode(), int(self.clock.now))
        if link.generation or not link.grant.allows(
            link.rendition, declared=True, carries_original=True
        ):
            raise LinkExpired(0)
        return link

    def answer(self, ask: Ask) -> Answer:
        self.seen.append(ask.target)
        target, proven = ask.target, ask.fields.get(SHIELD.decode()) == SECRET
        path, _, key = target.partition("?")
        by_key = proven and key.startswith("c=")
        if by_key:
            target = f"{path}?t={ask.fields.get(TOKEN.decode(), '')}"
        try:
            link = self.judge(target)
        except SigningError:
            return Answer(403)
        if by_key and key_of(link).decode() != key:
            return Answer(403)
        request = Request(
            ask.method == "HEAD", UNCONDITIONAL, b"", "", self.clock.now, proven=by_key
        )
        delivery = self.canary.answer(link, request)
        said = dict(delivery.fields)[b"surrogate-control"].decode()
        found = re.match(r"max-age=([0-9]+)", said)
        assert isinstance(delivery.body, bytes)
        return Answer(200, delivery.body, int(found[1]) if found else 0)


@dataclass
class Cdn:
    """Keeps what it is told to, under the whole target; the rest is what a test makes of it."""

    gateway: Gateway
    key: Callable[[Ask], str] = lambda ask: ask.target
    sent: Callable[[Ask], Ask] = lambda ask: ask
    fresh: Callable[[Answer], int] = lambda answer: answer.fresh
    refuses: Callable[[Ask], bool] = lambda ask: False
    lasts: Callable[[float, float], bool] = lambda now, until: now < until
    seconds: float = 0.0
    copies: dict[str, tuple[float, Answer]] = field(default_factory=dict)

    async def ask(self, ask: Ask) -> Reply:
        await self.gateway.clock.sleep(self.seconds)
        return _reply(self._answer(ask), ask)

    def _answer(self, ask: Ask) -> Answer:
        now = self.gateway.clock.now
        if self.refuses(ask):
            return Answer(403)
        key = self.key(ask)
        if key in self.copies and self.lasts(now, self.copies[key][0]):
            return self.copies[key][1]
        answer = self.gateway.answer(self.sent(ask))
        if self.fresh(answer) and ask.method == "GET":
            self.copies[key] = now + self.fresh(answer), answer
        return answer


def _reply(answer: Answer, ask: Ask) -> Reply:
    nonce, edge = nonce_of(answer.body if ask.method == "GET" else b"") or ("", False)
    return Reply(answer.status, nonce, edge)


@dataclass
class World:
    """Everything of one test."""

    clock: Clock = field(default_factory=Clock)
    mode: CacheMode = "windowed"

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.clock, self.mode)

    def cdn(self, **ways: Any) -> Cdn:
        return Cdn(self.gateway, **ways)

    def links(self, **changes: Any) -> CanaryLinks:
        return CanaryLinks(RING, "clinic", 0, **{"longest_life": 3600, "sealed": False, **changes})

    def edge(self, **ways: Any) -> Cdn:
        """One that verifies, proves itself, and keeps copies without the token."""

        def refuses(ask: Ask) -> bool:
            try:
                self.gateway.judge(ask.target)
            except SigningError:
                return True
            return False

        def copy(ask: Ask) -> str:
            path, _, query = ask.target.partition("?")
            link = self.gateway.signer.read(path.encode(), query.encode())
            return f"{path}?{key_of(link).decode()}"

        def sent(ask: Ask) -> Ask:
            token = ask.target.partition("?t=")[2]
            fields = {SHIELD.decode(): SECRET, TOKEN.decode(): token}
            return Ask(copy(ask), fields, ask.method)

        return Cdn(self.gateway, **{"refuses": refuses, "key": copy, "sent": sent, **ways})

    def probe(self, cdn: Any, **changes: Any) -> Report:
        probe = Probe(cdn, self.clock, self.clock.sleep)
        return asyncio.run(probe.run(self.links(**changes), self.mode))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def edged() -> World:
    """One of mode edge."""
    return World(mode="edge")
