"""What a connection must do to reach the application: be timely, be strict, and read its answer."""

from __future__ import annotations

from collections.abc import Callable

from gateway.guard.limits import Limits
from gateway.guard.protocol import GuardedProtocol, unheard

__all__ = ["GuardedProtocol", "Limits", "guarded"]


def guarded(
    limits: Limits | None = None, tell: Callable[[str], None] = unheard
) -> type[GuardedProtocol]:
    """The protocol class for `uvicorn.Config(http=…)` with these limits."""
    chosen, heard = limits or Limits(), tell

    class Guarded(GuardedProtocol):
        limits = chosen
        tell = staticmethod(heard)

    return Guarded
