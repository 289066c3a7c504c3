"""Guards: deliveries in flight, to be aborted when they may go on no more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from gateway.documents import Zone


@dataclass(eq=False, slots=True)
class Guard:
    """A delivery that is aborted when its generation falls behind; close it at its end.

    One for a viewer alone, by subject, is aborted with that viewer's access as well, and one by a
    key's signature with the key.
    """

    zone: Zone
    bucket: str
    key: str
    generation: int
    abort: Callable[[], None]
    _guards: set[Guard] = field(repr=False)
    viewer: str = ""
    kid: str = ""

    def close(self) -> None:
        self._guards.discard(self)

    def end(self) -> None:
        """Close it and abort what it watches."""
        self.close()
        # One delivery that can not be aborted must not save the others.
        with suppress(Exception):
            self.abort()

    def __enter__(self) -> Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
