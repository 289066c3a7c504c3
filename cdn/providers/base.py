"""What a CDN must be able to do for Ostiary, and what every one is made of."""

from __future__ import annotations

import hashlib
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

import httpx

from cdn.errors import ProviderMisconfigured, PurgeRefused
from cdn.facts import FACTS, Facts, Limits, Profile, Settling
from cdn.providers.calls import Api
from cdn.providers.traces import Distribution, Traces
from cdn.setups import Setup, fault
from cdn.tags import is_tag

# Nobody waits for longer than a CDN may reasonably say, in seconds.
_LONGEST = 3_600

__all__ = ["Configured", "Limits", "Provider", "PurgeReceipt", "Tools"]


@dataclass(frozen=True, slots=True)
class PurgeReceipt:
    """A CDN's word that it took a purge: its own reference if any, and what it said.

    `seconds` is how long it says that carrying it out takes; 0 for nothing said.
    """

    provider: str
    reference: str
    detail: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What providers are given to work with: they open, read and import nothing by themselves."""

    client: httpx.AsyncClient
    clock: Callable[[], float]
    traces: Traces
    distribution: Callable[[Setup], Distribution]


class Provider(Protocol):
    """One configured CDN.

    `soft` says whether it can mark answers stale; else soft is hard. Providers with the same
    `quota` share their limits, since they are one customer.
    """

    @property
    def name(self) -> str: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def soft(self) -> bool: ...
    @property
    def quota(self) -> str: ...
    @property
    def settling(self) -> Settling: ...

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        """Make the CDN forget `tags`, at most `limits.batch`; raises PurgeRefused.

        Calls with the same `key`, if any, are one purge, asked for again because the first
        answer was lost: a CDN that knows such keys does it once.
        """
        ...

    async def settled(self, reference: str) -> bool:
        """Whether the CDN has carried out what it took under `reference`; raises PurgeRefused.

        It is asked as `settling` says. `PurgeLost` says that it never will.
        """
        ...

    async def check(self) -> PurgeReceipt:
        """See whether address and credentials are right; changes nothing that is cached."""
        ...


class Configured(ABC):
    """A provider as its facts and its setup have it; raises ProviderMisconfigured."""

    kind: ClassVar[str]

    def __init__(self, setup: Setup, tools: Tools) -> None:
        facts = FACTS[self.kind]
        for key in (field.name for field in fields(setup) if field.name != "name"):
            found = fault(self.kind, key, getattr(setup, key))
            if found:
                raise ProviderMisconfigured(f"{key} of {setup.name} {found.what}", hint=found.hint)
        self.name = setup.name
        self.profile = facts.profile
        self.limits = facts.limits_of(setup.plan)
        self.soft = "soft" in facts.abilities
        self.quota = _quota(self.kind, facts, setup)
        self.settling = facts.settling
        self._setup = setup
        self._api = Api(
            setup.name,
            tools.client,
            httpx.URL(setup.url or facts.api),
            ((facts.auth.field, facts.auth.scheme + setup.secret),) if facts.auth.field else (),
            facts.pause,
        )

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        """Make the CDN forget `tags`; raises PurgeRefused."""
        if not 1 <= len(tags) <= self.limits.batch or not all(map(is_tag, tags)):
            raise PurgeRefused("no tags, too many, or ones that are none", dead=True)
        return await self._forget(tags, soft and self.soft, key or secrets.token_hex(16))

    async def settled(self, reference: str) -> bool:
        """It has: a CDN that can not be asked was given its time."""
        return True

    async def check(self) -> PurgeReceipt:
        """Purge a tag that nothing has."""
        return await self.purge([f"x-{secrets.token_hex(8)}"], soft=False)

    @abstractmethod
    async def _forget(self, tags: Sequence[str], soft: bool, key: str) -> PurgeReceipt: ...

    def _receipt(self, reference: object, detail: str, seconds: object = 0) -> PurgeReceipt:
        """What the CDN said; a reference that is none of a text's is left out, and a time too."""
        told = reference if isinstance(reference, str) else ""
        known = float(seconds) if isinstance(seconds, int) and 0 <= seconds <= _LONGEST else 0.0
        return PurgeReceipt(self.name, told[:128], detail, known)


def _quota(kind: str, facts: Facts, setup: Setup) -> str:
    if not facts.account:
        return setup.name
    credential = f"{setup.secret}\0{setup.client_token}".encode()
    return f"{kind}-{hashlib.sha256(credential).hexdigest()[:16]}"
