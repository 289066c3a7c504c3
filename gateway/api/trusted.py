"""Trusted: the pages that may have browsers keep something by which they prove themselves.

A page of another site could hand over a claim of its own and so make somebody look as another:
claims are taken from pages of the configured origins alone, which browsers name in each such call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from gateway.errors import RequestRefused
from gateway.wire.asgi import Field, Scope
from gateway.wire.crossorigin import VARY_ORIGIN, trusting

VIEWERS: Final = "/v1/viewers/claim"
FOLDERS: Final = "/v1/folders/claim"
METHODS: Final = b"POST, DELETE, OPTIONS"

_CLAIMS = frozenset((VIEWERS.encode(), FOLDERS.encode()))
_SAME_SITE = ("same-origin", "same-site")
PREFLIGHT: Final[tuple[Field, ...]] = (
    (b"access-control-allow-methods", METHODS),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"600"),
)
"""What a page of a trusted origin is told before it hands over a claim."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """The origins whose pages may claim, as browsers spell them."""

    origins: frozenset[bytes]

    def opened(self, scope: Scope) -> Sequence[Field]:
        """The fields that let such a page call, and read what it is answered."""
        if scope["raw_path"] not in _CLAIMS:
            return ()
        origin = origin_of(scope)
        return trusting(origin) if origin in self.origins else (VARY_ORIGIN,)

    def check(self, scope: Scope) -> None:
        """Refuse whatever does not come from such a page; raises `RequestRefused`."""
        if origin_of(scope) not in self.origins:
            raise RequestRefused(
                403,
                "origin.refused",
                "Only pages of the configured applications may hand over claims.",
                hint="Add the page's origin to viewers.origins.",
            )


def origin_of(scope: Scope) -> bytes:
    """The Origin of a request; empty without one, or with several."""
    found = [value for name, value in scope["headers"] if name == b"origin"]
    return found[0] if len(found) == 1 else b""


def embedded(request: Request) -> bool:
    """Whether the page is of another site than ours.

    Browsers say it of each request, and no page can (Fetch Metadata, section 2.3).
    """
    return request.headers.get("sec-fetch-site") not in _SAME_SITE
