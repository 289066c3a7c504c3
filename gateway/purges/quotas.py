"""Quotas: the paces of all customers at CDNs, kept in a file that outlives the worker.

A worker that is killed and begins anew with full buckets would exceed the limits that it had
used up before. The file belongs to whoever holds purger.lock.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path

import structlog

from cdn.providers.base import Provider
from gateway.purges.pace import Levels, Pace
from gateway.purges.pacing import Pacing

_OCTETS = 512
_LARGEST = 1e12
_NAMES = tuple(field.name for field in fields(Levels))

_log = structlog.stdlib.get_logger(__name__)


class Quotas:
    """The paces by quota: providers of one customer have one in common."""

    def __init__(
        self, path: Path, providers: Iterable[Provider], pacing: Pacing, now: float
    ) -> None:
        self._path = path
        self._paces: dict[str, Pace] = {}
        for provider in providers:
            shortest, longest = pacing.shortest_pause, pacing.longest_pause
            pace = Pace(provider.limits, shortest, longest, now)
            self._paces.setdefault(provider.quota, pace)

    def pace(self, provider: Provider) -> Pace:
        """The pace that a provider keeps to."""
        return self._paces[provider.quota]

    def load(self, now: float) -> None:
        """Go on from the file. Without one nothing was ever called, so that the buckets are full;
        with one that can not be read they are empty."""
        try:
            told = json.loads(self._path.read_bytes() or b"{}")
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError):
            told = None
        for quota, pace in self._paces.items():
            levels = _levels(told, quota)
            if levels is not None:
                pace.go_on(levels, now)
            elif not isinstance(told, dict) or quota in told:
                pace.empty(now)

    def save(self) -> None:
        """Write the file, before a call: a process that is killed leaves no call out.

        It is not synced. What a power cut takes away comes back while the machine starts. Where
        it can not be written purges go on: a CDN that refuses a call is asked again.
        """
        told = {quota: asdict(pace.levels) for quota, pace in self._paces.items()}
        # One write into one place: no reader of a killed process's file finds half of it.
        text = json.dumps(told).encode().ljust(_OCTETS * len(told))
        try:
            with closing(_File(self._path)) as file:
                os.pwrite(file.descriptor, text, 0)
                os.ftruncate(file.descriptor, len(text))
        except OSError as error:
            _log.warning("limits are not kept", error=error.strerror)


class _File:
    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        os.close(self.descriptor)


def _levels(told: object, quota: str) -> Levels | None:
    """The levels of a quota; None for none, and for what is not what `save` writes."""
    row = told.get(quota) if isinstance(told, dict) else None
    if not isinstance(row, dict) or row.keys() != set(_NAMES):
        return None
    return Levels(**row) if all(_sound(*item) for item in row.items()) else None


def _sound(name: str, value: object) -> bool:
    """Whether it is a number that can be told; a bucket of tags may have no bottom."""
    if not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST or (name == "tags" and value == math.inf)
