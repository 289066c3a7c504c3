"""`[server]`: where the gateway listens, what it may use, and where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.settings.table import Number, Region, Table

MIB = 1024 * 1024


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
