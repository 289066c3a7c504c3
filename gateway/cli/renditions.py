"""Renditions as commands know them: by the configuration, and redactions by the data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.settings import Settings
from gateway.state.redactions import find_in, newest_in
from imaging.names.redactions import Box
from imaging.names.renditions import Renditions

Found = TypeVar("Found")


def renditions_of(settings: Settings) -> Renditions:
    """The renditions of a configuration, and the redactions that its data folder holds."""
    return Renditions(
        settings.renditions.presets,
        _Folder(settings.server.database),
        settings.renditions.mark_values(),
    )


@dataclass(frozen=True, slots=True)
class _Folder:
    """Redactions in a database that may not be there, or be older than they are."""

    database: Path

    def boxes(self, name: str, version: int) -> tuple[Box, ...]:
        """The boxes of a version, none when there is no such version."""
        found = self._look(lambda connection: find_in(connection, name, version))
        return found.redaction.boxes if found else ()

    def newest(self, name: str) -> int:
        """The number of the newest version, 0 when there is none of that name."""
        return self._look(lambda connection: newest_in(connection, name)) or 0

    def _look(self, work: Callable[[sqlite3.Connection], Found]) -> Found | None:
        try:
            address = f"{self.database.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as connection:
                return work(connection)
        except sqlite3.Error:
            return None
