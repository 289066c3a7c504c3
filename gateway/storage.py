"""Storage: the routes of Supabase Storage, put together of the parts of a process."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from time import time

from gateway.dropin.buckets import Buckets
from gateway.dropin.face import Face
from gateway.dropin.proxy import Proxy
from gateway.dropin.reads import Reads
from gateway.dropin.replies import Replies
from gateway.dropin.signs import Signs
from gateway.fronts.porter import Porter
from gateway.parts import Parts
from gateway.supabase.events import Change
from gateway.supabase.transforms import Bounds
from gateway.telemetry import Telemetry
from gateway.transmissions import Transmitter

WRITER = "storage-routes"
"""Who tells of changes that were written through the gateway."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The face of the storage routes, and the proxy behind it."""

    face: Face
    proxy: Proxy

    @classmethod
    def of(cls, parts: Parts, tls: ssl.SSLContext, telemetry: Telemetry, porter: Porter) -> Storage:
        """Put the routes together; without a Supabase project nothing leads to them."""
        project, rules = parts.project, parts.rules
        supabase = parts.settings.supabase
        bounds = Bounds(supabase.largest, supabase.strict)
        admissions, oracle = project.admissions, project.oracle
        zones = {bucket: rules.zones[zone] for bucket, zone in project.zones.items()}

        async def told(changes: list[Change]) -> None:
            await project.hints.take(changes, by=WRITER, now=time())

        proxy = Proxy(supabase.url, tls, telemetry, told)
        face = Face(
            Reads(*(rules, parts.deliverer, admissions, oracle, bounds, zones), porter.rates.token),
            Signs(admissions, oracle, project.storage_issuer, bounds, zones),
            proxy,
            Transmitter(parts.deliverer, telemetry),
            telemetry,
            Replies(telemetry, corp=parts.settings.server.corp, strict=supabase.strict),
            Buckets.of(zones, rules.residency),
            porter,
        )
        return cls(face, proxy)
