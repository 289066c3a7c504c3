"""The vectors of the links: their keys, their time, and links signed with those keys here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from signing.signatures import UrlSigner

NOW = 1_800_000_000
BOOK = json.loads((Path(__file__).parents[2] / "signing" / "vectors.json").read_text())


@dataclass(frozen=True)
class Links:
    """Links of the zone clinic, signed here by the book's keys and by nothing of the gateway's."""

    keys: dict[str, str]
    zone: str = "clinic"

    def link(
        self,
        rendition: str,
        grant: str,
        *,
        key: str = "a.pdf",
        kid: str = "k2",
        left: int = 900,
        gen: int = 0,
        aud: str = "-",
        jti: str = "-",
    ) -> str:
        scope = f"{self.zone}/documents/-/{key}"
        body = f"1.{kid}.{NOW + left}.{gen}.{aud}.{jti}.{grant}"
        signer = UrlSigner(bytes.fromhex(self.keys[kid]), salt=f"ostiary:read:{self.zone}")
        sig = signer.get_signature(f"/d/{scope}?t={body}".encode()).decode()
        return f"/d/{rendition}/{scope}?t={body}.{sig}"
