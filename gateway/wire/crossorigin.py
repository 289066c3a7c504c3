"""Cross-origin: what lets a page of another origin call (the Fetch standard's CORS protocol).

Callers prove themselves by a token in a field or in the URL, so any origin may ask and none is
given more than it holds. What sets a cookie is open to the pages of configured origins alone.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.wire.asgi import Field

ANY_ORIGIN: Final[Field] = (b"access-control-allow-origin", b"*")
OPEN: Final[tuple[Field, ...]] = (ANY_ORIGIN, (b"access-control-expose-headers", b"*"))
"""Of every answer that a page of any origin may read."""

VARY_ORIGIN: Final[Field] = (b"vary", b"Origin")

_DAY = b"86400"
_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_LONGEST = 2_048
_USUAL = b"authorization, apikey, content-type, range, x-client-info"


def trusting(origin: bytes) -> tuple[Field, ...]:
    """Of an answer that pages of one origin may read, and that may set cookies for them."""
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        VARY_ORIGIN,
    )


def preflight(asked: bytes, methods: bytes) -> list[Field]:
    """The fields of the 204 to a preflight; `asked` is its Access-Control-Request-Headers.

    The names are given back, since `*` does not cover Authorization (Fetch standard §3.3.4).
    """
    plain = len(asked) <= _LONGEST and _NAMES.fullmatch(asked)
    return [
        *OPEN,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", asked if plain else _USUAL),
        (b"access-control-max-age", _DAY),
        (b"vary", b"Access-Control-Request-Headers"),
    ]
