"""Patience: a body that may take long, as long as it keeps coming."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

PATIENCE: Final = "ostiary.patience"


class Patience:
    """Says how long a body may take: its request's `scope["extensions"][PATIENCE]`.

    An application that reads a long body grants time for each part of it. One that never does
    so has the body within the limit that holds for all.
    """

    __slots__ = ("_cycle", "_expect")

    def __init__(self, cycle: RequestResponseCycle, expect: Callable[[float], None]) -> None:
        self._cycle = cycle
        self._expect = expect

    def __call__(self, seconds: float) -> None:
        """The body has to be over in so many seconds from now; 0 is for no deadline.

        Of no account once it is over, or refused: the next deadline is for something else.
        """
        cycle = self._cycle
        if cycle.more_body and not cycle.disconnected and not cycle.transport.is_closing():
            self._expect(seconds)
