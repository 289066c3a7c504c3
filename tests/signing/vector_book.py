"""What every vector shares: keys, zones and declared names, and the book the cases go into."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from plain_os1 import Parts, cache_class

NOW = 1_800_000_000
KEYS = {
    "k1": bytes(range(32)),
    "k2": bytes(range(32, 64)),
    "abcdefg8": bytes.fromhex("00ff" * 32),
}
SEAL_KEY = bytes(range(64))
ZONES = {
    "clinic": {"window": 900, "longest_life": 86400, "sealed": False},
    "lab": {"window": 60, "longest_life": 3600, "sealed": False},
    "vault": {"window": 900, "longest_life": 86400, "sealed": True},
    "z" * 32: {"window": 900, "longest_life": 86400, "sealed": False},
}
BUCKETS = {"documents": "clinic", "scans": "clinic", "samples": "lab", "letters": "vault"}
DECLARED = ["auto", "linear", "p1-text", "p2-w1280-webp", "thumb", "w160", "w640", "w640-avif"]
CARRY_ORIGINAL = ["auto", "linear", "p1-text"]
SCOPE = "clinic/documents/-/reports/2026/a.pdf"
PIN = "uUwRZ_Q4Hd2-f0kYb7jvXg"
TAG = "Zm9vYmFyYmF6cXV4"
LITERAL = "-._~!$&'()*+,;=:@"
ESCAPED = ' "#%<>?[]^`{|}'

Case = dict[str, Any]


class Book:
    """Collects the cases of every category."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.cases: list[Case] = []
        self.category = ""

    def parts(self, scope: str = SCOPE, life: int = 900, kid: str = "k2", **changes: str) -> Parts:
        return Parts(KEYS[kid], scope, str(self.now + life), kid=kid).but(**changes)

    def accept(self, name: str, parts: Parts, *, edge: str = "accept", **facts: Any) -> None:
        if edge == "accept":
            facts["class"] = cache_class(parts.grant)
        self.add(name, parts.target, origin="accept", edge=edge, **facts)

    def refuse(self, reason: str, name: str, target: Parts | str, edge: str = "refuse") -> None:
        self.add(name, target, origin="403", reason=reason, edge=edge)

    def gone(self, reason: str, name: str, parts: Parts, edge: str, **facts: Any) -> None:
        self.add(name, parts.target, origin="410", reason=reason, edge=edge, **facts)

    def add(self, name: str, target: Parts | str, **expected: Any) -> None:
        text = target.target if isinstance(target, Parts) else target
        self.cases.append({"name": name, "category": self.category, "target": text, **expected})

    def key(self, name: str, key: str, **facts: Any) -> None:
        """Accept a decoded key in its canonical spelling."""
        spelt = "/".join(quote(segment, safe=LITERAL) for segment in key.split("/"))
        self.accept(name, self.parts(f"clinic/documents/-/{spelt}"), key=key, **facts)
