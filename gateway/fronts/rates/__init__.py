"""Rates: how often a client, a link or an operator may ask; without limits nobody is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from time import time
from typing import Any, Final, Protocol

from gateway.errors import StateUnavailable
from gateway.fronts.forwarded import HIDDEN, address_of
from gateway.settings import LimitSettings

FILE: Final = "limits.tally"
_NETWORK: Final = 64


class Rate(Protocol):
    """One limit."""

    def spend(self, who: str) -> None:
        """Count a request of somebody; raises `RateLimited` when it is one too many."""


class Free:
    """No limit."""

    def spend(self, who: str) -> None:
        """Let it pass."""


FREE: Final = Free()


def _nothing() -> None:
    """There is nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits; `clients`, `links` and `calls` say whether these are counted at all."""

    client: Rate = FREE
    token: Rate = FREE
    operator: Rate = FREE
    close: Callable[[], None] = field(default=_nothing)

    @classmethod
    def of(cls, settings: LimitSettings, data: Path, clock: Callable[[], float] = time) -> Rates:
        """Those of the settings; what is counted is shared by all processes over `data`.

        Raises `StateUnavailable`.
        """
        wanted = {name: rate for name, rate in settings.model_dump().items() if rate}
        if not wanted:
            return cls()
        from gateway.fronts.rates.limiter import Limiter
        from gateway.fronts.rates.tally import Tally

        try:
            tally = Tally(data / FILE, clock)
        except OSError as error:
            raise StateUnavailable(f"limits: {error.strerror}") from error
        made = {name: Limiter(name, rate, tally, clock) for name, rate in wanted.items()}
        return cls(**made, close=tally.close)

    @property
    def clients(self) -> bool:
        return self.client is not FREE

    @property
    def links(self) -> bool:
        return self.token is not FREE

    @property
    def calls(self) -> bool:
        return self.clients or self.operator is not FREE

    def visit(self, scope: Mapping[str, Any]) -> None:
        """Count a request by its client; raises `RateLimited`.

        One whose client is hidden behind a front of ours is not counted: the front stands for
        everybody behind it.
        """
        peer = scope.get("client")
        if self.clients and peer and HIDDEN not in scope and (name := _client(peer[0])):
            self.client.spend(name)


@lru_cache(maxsize=4096)
def _client(text: str) -> str:
    """An IPv4 address, the /64 that one holder of IPv6 addresses has, or nothing for no address."""
    address = address_of(text.partition("%")[0])
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _NETWORK), strict=False))
