"""Edges: caches that verify links themselves, and the configuration of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TypeAlias, cast

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts, facts_of
from gateway.edges.limits import TooLarge

__all__ = ["KINDS", "Backend", "EdgeFacts", "Rendering", "TooLarge", "facts_of", "rendering"]

Rendering: TypeAlias = Callable[[EdgeFacts, Backend], str]
"""Writes the configuration of one kind of edge. Raises TooLarge for one that it would not take."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "varnish": "gateway.edges.varnish",
        "nginx": "gateway.edges.nginx",
        "njs": "gateway.edges.njs",
        "worker": "gateway.edges.worker",
        "cloudfront": "gateway.edges.cloudfront",
        "fastly": "gateway.edges.fastly",
    }
)
"""Where the function `rendered` of each kind is."""


def rendering(kind: str) -> Rendering:
    """What writes the configuration of a kind of edge that KINDS knows."""
    return cast(Rendering, import_module(KINDS[kind]).rendered)
