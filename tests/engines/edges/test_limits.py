"""The largest configurations that are written start, and judge as others do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.edges import Backend, EdgeFacts
from gateway.edges.grammar import Expressions
from gateway.edges.limits import LONGEST_EXPRESSION
from tests.engines.edges.renderings import facts_without, texts

pytestmark = pytest.mark.engines


def widened(facts: EdgeFacts) -> EdgeFacts:
    """The same with as many names as an expression has room for."""
    room = LONGEST_EXPRESSION - len(Expressions(facts).declared) - 100
    more = {f"preset_{number:05}": ("jpeg", "webp") for number in range(room // 13)}
    return replace(facts, names={**facts.names, **more})


def test_the_most_names_are_not_too_many(
    kind: str, start_edge: Callable[..., Any], origin: Any, links: Any, name: str
) -> None:
    facts = widened(facts_without("clinic", ()))
    backend = Backend("127.0.0.1", origin.port)

    edge = start_edge(kind, origin, spoil=lambda _: texts(kind, facts, backend))
    last = [*facts.names][-1]
    assert len(facts.names) > 1_000
    assert edge.get(links.link(f"{last}-webp", "ip", key=name)).status == 200
    assert edge.get(links.link(f"{last}-avif", "ip", key=name)).status == 403
