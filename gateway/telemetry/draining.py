"""Whether this process is on its way out, for `/readyz`."""

from __future__ import annotations


class Draining:
    """A switch that the server throws at the first signal, before it stops accepting.

    It goes one way only: a process that drains never serves again.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def begin(self) -> None:
        """From now on a load balancer should look elsewhere."""
        self._begun = True

    def __bool__(self) -> bool:
        return self._begun
