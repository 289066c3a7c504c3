"""njs: the script by which nginx verifies links."""

from __future__ import annotations

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.grammar import FOLDER, WHOLE, Expressions
from gateway.edges.texts import BROWSER, templates


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """The script with the zone's keys; where the origin is only the configuration says."""
    del backend
    expressions = Expressions(facts)
    return (
        templates()
        .get_template("nginx.js")
        .render(
            facts=facts,
            browser=BROWSER,
            target=_literal(expressions.parts),
            declared=expressions.declared,
            automatic=expressions.automatic,
            whole=WHOLE,
            folder=_literal(FOLDER),
            shows_avif=_literal(expressions.shows("avif")),
            shows_webp=_literal(expressions.shows("webp")),
            bars_avif=_literal(expressions.bars("avif")),
            bars_webp=_literal(expressions.bars("webp")),
        )
    )


def _literal(expression: str) -> str:
    """An expression between slashes, where a slash of its own is escaped."""
    return expression.replace("/", r"\/")
