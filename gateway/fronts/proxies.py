"""Fronts: what stands in front of the gateway, and may say whose request it hands on.

Who connects is the client, unless it is a trusted proxy or a CDN that proves itself. The word of
anybody else is not heard: any client can write such a field.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.fronts.forwarded import (
    FORWARDED,
    HIDDEN,
    Address,
    Network,
    address_of,
    client_told,
    is_host,
    nearest,
    pairs_of,
)
from gateway.fronts.pullers import SHIELD, Pullers
from gateway.settings import Server
from gateway.wire.asgi import App, Field, Receive, Scope, Send

_SCHEME: Final = b"x-forwarded-proto"
_SCHEMES: Final = (b"http", b"https")


@dataclass(frozen=True, slots=True)
class Fronts:
    """Trusted networks, and the fields in which a front tells of client and host; b"" for none."""

    networks: tuple[Network, ...]
    client_field: bytes
    host_field: bytes
    pullers: Pullers

    @classmethod
    def of(cls, server: Server, pullers: Pullers) -> Fronts:
        """Those of the settings."""
        networks = tuple(ipaddress.ip_network(network) for network in server.trusted_proxies)
        told, host = server.client_field.lower().encode(), server.host_field.lower().encode()
        return cls(networks, told, host, pullers)

    def settle(self, scope: Scope) -> None:
        """Let a request's scope have the client, scheme and host that its fronts tell of.

        One of nobody that is trusted loses the field that tells of a scheme, where any is heard.
        """
        told = _told(scope["headers"], self.client_field, self.host_field)
        peer = address_of(scope["client"][0].partition("%")[0]) if scope.get("client") else None
        shown = {SHIELD: b", ".join(told.get(SHIELD, ()))}
        if not (peer and self._trusts(peer)) and not self.pullers.known(shown, scope):
            if self._heard:
                scope["headers"] = _without(scope["headers"], _SCHEME)
            return
        client = client_told(self.client_field, told.get(self.client_field, ()), self._trusts)
        if client is not None:
            scope["client"] = (str(client), 0)
        else:
            scope[HIDDEN] = True
        if self._heard:
            self._place(scope, told)

    def before(self, app: App, *, counted: bool) -> App:
        """The application with every request settled before it.

        The application itself where nobody is heard and no client `counted`.
        """
        if not self._heard and not counted:
            return app

        def fronted(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] == "http":
                self.settle(scope)
            return app(scope, receive, send)

        return fronted

    @property
    def _heard(self) -> bool:
        return bool(self.client_field or self.host_field)

    def _place(self, scope: Scope, told: dict[bytes, list[bytes]]) -> None:
        element = pairs_of(nearest(told.get(FORWARDED, ())))
        by_element = self.client_field == FORWARDED
        scheme = element.get(b"proto", b"") if by_element else nearest(told.get(_SCHEME, ()))
        if scheme.lower() in _SCHEMES:
            scope["scheme"] = scheme.lower().decode()
        field = self.host_field
        host = element.get(b"host", b"") if field == FORWARDED else nearest(told.get(field, ()))
        if is_host(host):
            scope["headers"] = [*_without(scope["headers"], b"host"), (b"host", host)]
        scheme_field = (_SCHEME, scope["scheme"].encode())
        scope["headers"] = [*_without(scope["headers"], _SCHEME), scheme_field]

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def _told(fields: Iterable[Field], *names: bytes) -> dict[bytes, list[bytes]]:
    wanted = {SHIELD, FORWARDED, _SCHEME, *names}
    told: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        if name in wanted:
            told.setdefault(name, []).append(value)
    return told


def _without(fields: list[Field], name: bytes) -> list[Field]:
    return [field for field in fields if field[0] != name]
