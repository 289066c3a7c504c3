"""Fastly as an edge: one custom VCL, which no test of this project runs."""

from __future__ import annotations

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.grammar import FOLDER, PASSED, WHOLE, Expressions
from gateway.edges.texts import BROWSER, FOR_CACHES, refusal, templates


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """The VCL that verifies the zone's links before the origin at `backend`; 443 is TLS."""
    expressions = Expressions(facts)
    return (
        templates()
        .get_template("fastly.vcl")
        .render(
            facts=facts,
            backend=backend,
            target=expressions.target,
            declared=expressions.declared,
            automatic=expressions.automatic,
            whole=WHOLE,
            folder=FOLDER,
            passed=PASSED,
            shows_avif=f"(?i){expressions.shows('avif')}",
            shows_webp=f"(?i){expressions.shows('webp')}",
            bars_avif=f"(?i){expressions.bars('avif')}",
            bars_webp=f"(?i){expressions.bars('webp')}",
            refusal=refusal(),
            browser=BROWSER,
            for_caches=FOR_CACHES,
        )
    )
