"""CloudFront as an edge: the function of one zone, and what its KeyValueStore holds."""

from __future__ import annotations

import json
from typing import Final

from gateway.edges.backends import Backend
from gateway.edges.facts import EdgeFacts
from gateway.edges.limits import within
from gateway.edges.scripts import members, written

LARGEST: Final = 10_240
"""The most octets that CloudFront takes for a function."""


def rendered(facts: EdgeFacts, backend: Backend) -> str:
    """One line `//kvs` with the zone's keys, as `update-keys --puts` reads them; then the function.

    The line is no part of the function. The origin is the distribution's: `backend` is not used.
    Raises TooLarge for a function that CloudFront would not take.
    """
    puts = [{"Key": f"{facts.zone}.{kid}", "Value": key} for kid, key in facts.keys.items()]
    function = written("cloudfront.js", facts, members(facts))
    return f"//kvs {json.dumps(puts)}\n{within('the function', function, LARGEST)}"
