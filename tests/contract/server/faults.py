"""Failures to order: a status, a delay, a body that breaks off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.server.asks import Ask


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests whose method and path fit; -1 is for ever.

    `status` 0 leaves the answer as it is; `delay` is in seconds; `cut` is how many octets of the
    body are sent before the connection breaks, -1 for all.
    """

    status: int = 0
    body: str = ""
    fields: Mapping[str, str] | None = None
    delay: float = 0.0
    cut: int = -1
    times: int = 1
    method: str = ""
    path: str = ""

    def fits(self, ask: Ask) -> bool:
        if self.times == 0 or self.method not in {"", ask.method}:
            return False
        return re.search(self.path, ask.path) is not None


class Faults:
    """The faults that are in order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, **facts: Any) -> Fault:
        fault = Fault(**facts)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    def next(self, ask: Ask) -> Fault:
        """The first that fits, which is used up by one; a fault without effect when none does."""
        for fault in self._faults:
            if fault.fits(ask):
                if fault.times > 0:
                    fault.times -= 1
                return fault
        return Fault()
