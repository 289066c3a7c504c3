"""Scripts: what an edge in JavaScript is told of its zone."""

from __future__ import annotations

import json
from typing import TypeAlias

from gateway.edges.facts import EdgeFacts
from gateway.edges.grammar import FOLDER, PASSED, WHOLE, Expressions
from gateway.edges.texts import refusal, templates

Members: TypeAlias = dict[str, object]


def members(facts: EdgeFacts) -> Members:
    """The members that every script has; no key."""
    expressions, refused = Expressions(facts), refusal()
    return {
        "zone": facts.zone,
        "farthest": facts.farthest,
        "cors": facts.cors,
        "target": expressions.target,
        "declared": expressions.declared,
        "automatic": expressions.automatic,
        "whole": WHOLE,
        "folder": FOLDER,
        "passed": PASSED,
        "shows": {form: expressions.shows(form) for form in ("avif", "webp")},
        "bars": {form: expressions.bars(form) for form in ("avif", "webp")},
        "refusal": {"fields": refused.fields, "body": refused.body},
    }


def written(template: str, facts: EdgeFacts, config: Members) -> str:
    """A template with its block filled in."""
    text = json.dumps(config, indent=2)
    return templates().get_template(template).render(zone=facts.zone, config=text)
