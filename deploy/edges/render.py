"""Writes the examples of this folder anew, from its ostiary.toml (`make edges`)."""

from __future__ import annotations

from pathlib import Path

from gateway.configuration import load
from gateway.edges import Backend, facts_of, rendering

HERE = Path(__file__).parent
ZONE = "clinic"
NEAR, FAR, PUBLIC = "127.0.0.1:8080", "gateway.example.org:443", "docs.example.org:443"

# File: the kind of edge, and where that finds the gateway.
EXAMPLES = {
    "varnish.vcl": ("varnish", NEAR),
    "nginx.conf": ("nginx", NEAR),
    "ostiary.js": ("njs", NEAR),
    "worker.mjs": ("worker", PUBLIC),
    "cloudfront.js": ("cloudfront", FAR),
    "fastly.vcl": ("fastly", FAR),
}


def texts() -> dict[str, str]:
    """What each file has to say."""
    facts = facts_of(load(HERE / "ostiary.toml", {}).settings, ZONE)
    return {
        name: rendering(kind)(facts, Backend.parse(place))
        for name, (kind, place) in EXAMPLES.items()
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
