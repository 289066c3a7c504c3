"""Cloudflare as an edge: the Worker of one zone."""

from __future__ import annotations

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.scripts import members, written
from gateway.edges.texts import BROWSER, FOR_CACHES


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """The Worker with the zone's keys; `backend` is the host that it serves and asks.

    Port 443 is https, any other http.
    """
    own = {"origin": _origin(backend), "browser": BROWSER, "forCaches": FOR_CACHES}
    return written("worker.mjs", facts, {**members(facts), **own, "keys": dict(facts.keys)})


def _origin(backend: Backend) -> str:
    """Scheme and authority as a URL parser writes them: no port that goes without saying."""
    scheme, unsaid = ("https", ":443") if backend.port == 443 else ("http", ":80")
    return f"{scheme}://{backend.authority.lower().removesuffix(unsaid)}"
