"""The vectors of tests/signing, and what an edge has to do with each."""

from __future__ import annotations

import base64
import hmac
import json
from pathlib import Path
from typing import Any

from gateway.edges import EdgeFacts
from imaging.rendered import MEDIA_TYPES
from signing.keys import Key, KeyRing

OPEN = tuple(MEDIA_TYPES)
NAMES = {"thumb": (), "w160": OPEN, "w640": OPEN, "w1280": OPEN}

Case = dict[str, Any]

BOOK: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "signing" / "vectors.json").read_text("utf-8")
)
CASES: list[Case] = BOOK["cases"]
ZONES: dict[str, Any] = BOOK["zones"]
NOW: int = BOOK["now"]


def facts_of(zone: str, **changes: Any) -> EdgeFacts:
    """The facts of a zone of the vectors."""
    keys = [Key(kid, bytes.fromhex(secret)) for kid, secret in BOOK["keys"].items()]
    ring = KeyRing(keys, "k2")
    known: dict[str, Any] = {
        "zone": zone,
        "keys": {key.kid: ring.edge_key(key.kid, "read", zone).decode() for key in keys},
        "names": NAMES,
        "longest_life": ZONES[zone]["longest_life"],
        "cors": zone == "lab",
    }
    return EdgeFacts(**{**known, **changes})


def zone_of(case: Case) -> str:
    """The zone whose edge is asked: the target's, or any for a target without one."""
    segments = case["target"].split("?")[0].split("/")
    return segments[3] if len(segments) > 3 and segments[3] in ZONES else "clinic"


def link(rendition: str = "original", grant: str = "ia", **changes: Any) -> str:
    """A good target of the zone clinic; `life` is in seconds, the rest is as in its token."""
    said = {"life": 900, "gen": 0, "kid": "k2", "aud": "-", "jti": "-", **changes}
    scope = "clinic/documents/-/reports/2026/a.pdf"
    middle = f"{said['kid']}.{NOW + said['life']}.{said['gen']}.{said['aud']}.{said['jti']}"
    signed = f"/d/{scope}?t=1.{middle}.{grant}"
    key = facts_of("clinic").keys[said["kid"]].encode()
    mac = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256"))[:32].decode()
    return f"{signed.replace('/d/', f'/d/{rendition}/', 1)}.{mac}"


def asked_for(case: Case) -> tuple[str, str]:
    """The target that an accepted vector has to be kept under, and the token sent along.

    None of them is asked with a browser's Accept: what is automatic becomes JPEG.
    """
    path, _, token = case["target"].partition("?t=")
    _, _, rendition, scope = path.split("/", 3)
    generation, grant = token.split(".")[3], token.split(".")[6]
    kind = case.get("class", "w")
    if grant[1] in "ap" and rendition in ("w160", "w640"):
        rendition += "-jpeg"
    return f"/d/{rendition}/{scope}?c={grant[0]}{kind}{generation}", token
