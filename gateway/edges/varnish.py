"""Varnish as an edge: one VCL file."""

from __future__ import annotations

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.grammar import FOLDER, PASSED, WHOLE, Expressions
from gateway.edges.texts import BROWSER, DOWN, FOR_CACHES, refusal, templates


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """The VCL that verifies the zone's links before the origin at `backend`."""
    expressions = Expressions(facts)
    return (
        templates()
        .get_template("varnish.vcl")
        .render(
            facts=facts,
            backend=backend,
            target=expressions.target,
            declared=expressions.declared,
            automatic=expressions.automatic,
            whole=WHOLE,
            folder=FOLDER,
            passed=PASSED,
            shows_avif=_any_case(expressions.shows("avif")),
            shows_webp=_any_case(expressions.shows("webp")),
            bars_avif=_any_case(expressions.bars("avif")),
            bars_webp=_any_case(expressions.bars("webp")),
            refusal=refusal(),
            down=DOWN,
            browser=BROWSER,
            for_caches=FOR_CACHES,
        )
    )


def _any_case(expression: str) -> str:
    return f"(?i){expression}"
