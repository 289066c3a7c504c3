"""The configurations of edges as they are rendered, with the book's keys and time."""

from __future__ import annotations

from gateway.edges import Backend, EdgeFacts, facts_of, rendering
from gateway.settings import Settings
from tests.engines.edges.books import BOOK, NOW

CLOCKS = {
    "varnish": ("std.integer(time=now, fallback=0)", str(NOW)),
    "njs": ("Math.floor(Date.now() / 1000)", str(NOW)),
}


def settings() -> Settings:
    zones = {
        name: {"store": "files", "buckets": [f"of-{name}"], "longest_life": zone["longest_life"]}
        | {"window": zone["window"]}
        for name, zone in BOOK["zones"].items()
    }
    return Settings.model_validate(
        {
            "signing": {"keys": BOOK["keys"], "active": "k2"},
            "stores": {"files": {"url": "file:///srv/files"}},
            "zones": zones,
            "renditions": {"presets": {"thumb": "w160-h160-cover", "card": "w320-webp"}},
        }
    )


def facts_without(zone: str, dropped: tuple[str, ...]) -> EdgeFacts:
    """The facts of a zone of the book after keys were taken out."""
    facts = facts_of(settings(), zone)
    kept = {kid: key for kid, key in facts.keys.items() if kid not in dropped}
    return EdgeFacts(zone, kept, facts.names, facts.longest_life)


def texts(kind: str, facts: EdgeFacts, backend: Backend) -> dict[str, str]:
    """The rendered files of an edge, with the book's time on their clocks."""
    found = {}
    for part in ("varnish",) if kind == "varnish" else ("nginx", "njs"):
        found[part] = rendering(part)(facts, backend)
        if part in CLOCKS:
            clock, fixed = CLOCKS[part]
            assert found[part].count(clock) == 1, f"{part} has no such clock"
            found[part] = found[part].replace(clock, fixed)
    return found


def shielded(text: str, secret: str) -> str:
    """nginx has no environment to read it from: whoever runs it writes it down."""
    return _written(text, "shield", secret)


def purged(text: str, secret: str, port: int) -> str:
    """Purges of nginx, taken on a port of the test's."""
    shipped = "listen 127.0.0.1:8081;"
    assert shipped in text
    return _written(text.replace(shipped, f"listen 127.0.0.1:{port};"), "purge_key", secret)


def _written(text: str, name: str, value: str) -> str:
    empty = f'$ostiary_{name} {{\n    default "";'
    assert empty in text
    return text.replace(empty, empty.replace('""', f'"{value}"'))
