"""The tree: tables merged from several sources, each value with the source it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

Path = tuple[str, ...]
Values = dict[str, object]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: Path) -> str:
    """A path as TOML writes it."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in path)


def place(path: Path, origin: str) -> str:
    """Where a fault is: the path, and the source of what stands there if there is one."""
    where = dotted(path) or "settings"
    return where + (f" [{origin}]" if origin else "")


class Tree:
    """Grows from the weakest source to the strongest: what is put later takes the place."""

    def __init__(self) -> None:
        self.values: Values = {}
        self._origins: dict[Path, str] = {}

    @property
    def origins(self) -> dict[str, str]:
        """The source of every value that some source gave, by dotted path."""
        return {dotted(path): origin for path, origin in self._origins.items()}

    def origin(self, path: Path) -> str:
        """The source of the value at `path` or of the list it stands in; empty for none."""
        for length in range(len(path), 0, -1):
            if origin := self._origins.get(path[:length]):
                return origin
        below = (o for at, o in self._origins.items() if at[: len(path)] == path and path)
        return next(below, "")

    def put(self, path: Path, value: object, origin: str) -> None:
        """Set a value, or a whole table in place of the one before.

        Where a table is needed on the way and something else stands, nothing is put: what stands
        there is a fault of its own and must stay to be seen.
        """
        table = self.values
        for part in path[:-1]:
            below = table.setdefault(part, {})
            if not isinstance(below, dict):
                return
            table = below
        self._forget(path)
        table[path[-1]] = value
        self._remember(path, value, origin)

    def _forget(self, path: Path) -> None:
        for known in list(self._origins):
            if known[: len(path)] == path or path[: len(known)] == known:
                del self._origins[known]

    def _remember(self, path: Path, value: object, origin: str) -> None:
        if isinstance(value, Mapping) and value:
            for name, below in value.items():
                self._remember((*path, str(name)), below, origin)
        else:
            self._origins[path] = origin
