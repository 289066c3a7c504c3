"""The porter: who is let in before anything is looked at, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.auth import Authenticator
from gateway.fronts.pullers import Pullers
from gateway.fronts.rates import Rates
from gateway.wire.asgi import Scope

_API = b"/v1/"


@dataclass(frozen=True, slots=True)
class Porter:
    """Stands at every door; one that is not `watchful` lets all requests for documents in."""

    pullers: Pullers
    rates: Rates
    authenticator: Authenticator
    watchful: bool

    @classmethod
    def of(cls, pullers: Pullers, rates: Rates, authenticator: Authenticator) -> Porter:
        """One that watches where there is something to watch for."""
        return cls(pullers, rates, authenticator, bool(pullers.closed) or rates.clients)

    def admit(self, zone: str, fields: Mapping[bytes, bytes], scope: Scope) -> None:
        """Let a request for a zone's documents in; raises `PullerRefused` and `RateLimited`."""
        self.pullers.admit(zone, fields, scope)
        self.rates.visit(scope)

    def call(self, scope: Scope) -> None:
        """Let a request for anything else in; raises `RateLimited`.

        An operator is counted by name, and anybody else who calls the API as a client.
        """
        if not self.rates.calls:
            return
        operator = self.authenticator.known(dict(scope["headers"]).get(b"authorization"))
        if operator is not None:
            self.rates.operator.spend(operator.id)
        elif scope["raw_path"].startswith(_API):
            self.rates.visit(scope)
