"""Rules: what is decided about a link or a document before its store is asked anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.documents import Zone
from gateway.regions import Residency
from gateway.state.revocations import Revocations
from imaging.names.renditions import Renditions
from signing.links import Signer


@dataclass(frozen=True, slots=True)
class Rules:
    """The zones and their keys, the renditions there are, this region, and what was revoked."""

    zones: Mapping[str, Zone]
    signer: Signer
    renditions: Renditions
    residency: Residency
    revocations: Revocations
