"""Providers whose CDN is the stub, in this process and without a socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from cdn.providers import Provider, Tools, build
from cdn.providers.traces import Place
from cdn.setups import Setup
from tests.stub_cdn import StubCdn, setup_for

URL = "http://cdn.test"


class Index:
    """An index that knows what it was told."""

    def __init__(
        self,
        places: Mapping[str, Sequence[Place]] | None = None,
        copies: Mapping[str, Sequence[bytes]] | None = None,
    ) -> None:
        self._places = places or {}
        self._copies = copies or {}

    async def places(self, provider: str, tag: str) -> Sequence[Place]:
        assert provider == "edge"
        return self._places.get(tag, ())

    async def copies(self, tag: str) -> Sequence[bytes]:
        return self._copies.get(tag, ())


@dataclass
class Boto:
    """Stands for boto3's client: notes what it is told, says what it is given."""

    says: Mapping[str, Any] | Exception = field(default_factory=dict)
    told: list[Mapping[str, Any]] = field(default_factory=list)

    def create_invalidation(self, **told: Any) -> Mapping[str, Any]:
        return self._said(told)

    def get_invalidation(self, **told: Any) -> Mapping[str, Any]:
        return self._said(told)

    def get_distribution_config(self, **told: Any) -> Mapping[str, Any]:
        return self._said(told)

    def _said(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        self.told.append(told)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@dataclass
class Bench:
    """Builds providers; `changed` replaces parts of the setup that the stub would take."""

    transport: httpx.AsyncBaseTransport
    index: Index = field(default_factory=Index)
    boto: Boto = field(default_factory=Boto)
    now: float = field(default_factory=time.time)

    def build(self, kind: str, client: httpx.AsyncClient, **changed: str) -> Provider:
        setup = replace(setup_for(kind, URL), **changed)
        return build(kind, setup, Tools(client, lambda: self.now, self.index, self.distribution))

    def distribution(self, setup: Setup) -> Boto:
        assert setup.name == "edge"
        return self.boto

    def run(self, kind: str, work: Callable[[Provider], Awaitable[Any]], **changed: str) -> Any:
        async def all_of_it() -> Any:
            async with httpx.AsyncClient(transport=self.transport) as client:
                return await work(self.build(kind, client, **changed))

        return asyncio.run(all_of_it())

    def purge(self, kind: str, *tags: str, soft: bool = False, **changed: str) -> Any:
        return self.run(kind, lambda provider: provider.purge(tags, soft=soft), **changed)

    def check(self, kind: str, **changed: str) -> Any:
        return self.run(kind, lambda provider: provider.check(), **changed)


@pytest.fixture
def on_stub() -> Callable[[StubCdn], Bench]:
    """Builds providers whose every call reaches a stub."""
    return lambda stub: Bench(httpx.ASGITransport(stub))


@pytest.fixture
def answered() -> Callable[[Callable[[httpx.Request], httpx.Response]], Bench]:
    """Builds providers whose every call is answered by a function."""
    return lambda respond: Bench(httpx.MockTransport(respond))


@pytest.fixture
def boto() -> Callable[[Mapping[str, Any] | Exception], Bench]:
    """Builds providers with a boto3 that says something; they make no calls of their own."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    return lambda says: Bench(httpx.MockTransport(refuse), boto=Boto(says))


@pytest.fixture
def index() -> type[Index]:
    return Index
