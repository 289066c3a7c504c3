"""What one connection may ask for in time and size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection.

    Times are in seconds, 0 for none: `head` from the first octet (or the opening) to the end of
    the fields, `body` from there to the end of the body, `stall` for a client that takes nothing
    of its answer. `octets` bounds target and fields together, `fields` counts the latter;
    connections beyond `connections` (0: no bound) are answered with 503.
    """

    head: float = 5.0
    body: float = 30.0
    stall: float = 60.0
    fields: int = 64
    octets: int = 16_384
    connections: int = 0
