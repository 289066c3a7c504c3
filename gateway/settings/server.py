"""`[server]`: where the gateway listens, what it may use, and where it stands."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.settings.table import Number, Region, Table, Unfit

MIB = 1024 * 1024


_FIELD = re.compile(r"[A-Za-z0-9-]{1,64}")
# Bits before the IPv4 address that is mapped into an IPv6 one (RFC 4291 section 2.5.5.2).
_MAPPED = 96


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        hint = "such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, with no bit beyond the prefix"
        raise Unfit("is no address and no network", hint) from None
    # Peers that come as IPv4 mapped into IPv6 are known by their IPv4 address.
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= _MAPPED:
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - _MAPPED}")
    if network.prefixlen == 0:
        raise Unfit("would trust everybody", "name the networks of your proxies")
    return str(network)


def _field(value: str) -> str:
    if value and not _FIELD.fullmatch(value):
        raise Unfit("is no name of a field", "such as X-Forwarded-For")
    return value


class Server(Table):
    """The process itself."""

    host: str = Field(default="127.0.0.1", min_length=1, description="The address to listen on.")
    port: Number = Field(
        default=8080, ge=0, le=65_535, description="The port to listen on; 0 takes any free one."
    )
    certificate: str = Field(
        default="",
        description="A PEM file with this server's certificate and what leads up to its "
        "authority; with it both ports speak TLS alone. Empty: a proxy in front speaks it.",
    )
    key: str = Field(
        default="",
        description="The PEM file of the certificate's private key, which others must not be able "
        "to read.",
    )
    client_ca: str = Field(
        default="",
        description="A PEM file with the authorities of the certificates by which CDNs prove "
        "themselves on the main port; whose they are says `certificates` of [cdn.NAME].",
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(),
        description="Addresses and networks (10.0.0.0/8) of the proxies in front whose word on "
        "client, scheme and host is taken.",
    )
    client_field: Annotated[str, AfterValidator(_field)] = Field(
        default="",
        description="The field in which a trusted proxy, or a CDN that proved itself, tells the "
        "client's address: X-Forwarded-For or Forwarded, counted from the right past trusted "
        "hops, or one of its own such as CF-Connecting-IP. Empty: who connects is the client.",
    )
    host_field: Annotated[str, AfterValidator(_field)] = Field(
        default="",
        description="The field in which they tell the host that was asked for, such as "
        "X-Forwarded-Host; links of zones without `public_url` name it. Empty: Host as it comes.",
    )
    data: str = Field(
        default="var",
        min_length=1,
        description="The folder for SQLite, caches and spool, made at start; relative to where "
        "the gateway was started.",
    )
    region: Region = Field(
        default="",
        description="The region this gateway stands in; needed as soon as a zone has a home.",
    )
    workers: Number = Field(default=1, ge=1, le=256, description="Processes that answer requests.")
    cache_memory: Number = Field(
        default=256 * MIB,
        ge=0,
        description="Bytes of the cache in memory, in every worker; 0 for none.",
    )
    cache_disk: Number = Field(
        default=2048 * MIB,
        ge=0,
        description="Bytes of the cache below `data`, shared by the workers; 0 for none.",
    )
    max_connections: Number = Field(
        default=1_000, ge=1, description="Open connections of a worker; more are answered with 503."
    )
    header_timeout: Number = Field(
        default=5, ge=1, le=300, description="Seconds a client may take for its request's fields."
    )
    shutdown_timeout: Number = Field(
        default=30,
        ge=0,
        le=3_600,
        description="Seconds that deliveries under way get to end at a stop.",
    )
    corp: Literal["cross-origin", "same-site", "same-origin"] = Field(
        default="cross-origin", description="`Cross-Origin-Resource-Policy` of every answer."
    )

    @property
    def database(self) -> Path:
        """The file of the embedded database."""
        return Path(self.data) / "ostiary.db"
