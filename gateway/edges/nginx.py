"""nginx as an edge: the configuration; its script is that of `gateway.edges.njs`."""

from __future__ import annotations

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.grammar import PASSED
from gateway.edges.texts import DOWN, FOR_CACHES, refusal, templates


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """The server before the origin at `backend`; it holds no key."""
    return (
        templates()
        .get_template("nginx.conf")
        .render(
            facts=facts,
            backend=backend,
            passed=PASSED.removeprefix("^"),
            refusal=refusal(),
            down=DOWN,
            for_caches=FOR_CACHES,
        )
    )
