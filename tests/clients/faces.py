"""Storage servers as clients see them, and the documents on them."""

from __future__ import annotations

import io
import random
from typing import Any

from PIL import Image

from tests.contract.server import USER_A, ContractServer


class Face:
    """A storage server as clients see it: the stand-in `upstream`, or a gateway before it."""

    def __init__(self, upstream: ContractServer, gateway: Any = None) -> None:
        self.upstream = upstream
        self.gateway = gateway
        self.url: str = gateway.url if gateway else upstream.url

    @property
    def storage(self) -> str:
        return f"{self.url}/storage/v1"

    @property
    def parties(self) -> dict[str, str]:
        """What a script needs to speak as anybody."""
        return {
            "gateway": self.url,
            "base": self.storage,
            "apikey": self.upstream.anon,
            "owner": self.upstream.user_a,
            "other": self.upstream.user_b,
            "service": self.upstream.service,
            "folder": USER_A,
        }


def png(seed: int) -> bytes:
    """A picture of 48 by 32 pixels that is no other's."""
    pixels = random.Random(seed).randbytes(48 * 32 * 3)
    kept = io.BytesIO()
    Image.frombytes("RGB", (48, 32), pixels).save(kept, "PNG")
    return kept.getvalue()


def furnish(upstream: ContractServer) -> None:
    """The documents that are there from the start."""
    upstream.put("documents", f"{USER_A}/scan.png", png(1), "image/png")
    upstream.put("pub", "img/logo.png", png(2), "image/png", "max-age=31536000")
    upstream.put("pub", "my docs/a b+c (1).txt", b"spaces", "text/plain")
