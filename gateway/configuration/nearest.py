"""The nearest: what somebody who wrote an unknown name most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gateway.settings.schema import Node, leaves

Path = tuple[str, ...]


def nearest(word: str, words: Iterable[str], *, likeness: float = 0.6) -> str:
    """The one word most like `word`; empty when none is like it."""
    found = get_close_matches(word.lower(), list(words), n=1, cutoff=likeness)
    return found[0] if found else ""


def nearest_path(parent: Path, node: Node | None, name: str) -> Path:
    """The setting that was meant by `name` below `parent`; empty when none is like it.

    In a table, the like name beside it comes first. Elsewhere a setting of that very name, then
    one whose whole path is like it (`server_port` for `server.port`).
    """
    beside = nearest(name, node.fields) if node else ""
    if beside and parent:
        return (*parent, beside)
    return _elsewhere(parent, name) or ((beside,) if beside else ())


def _elsewhere(parent: Path, name: str) -> Path:
    paths = [setting.path for setting in leaves()]
    same = next((path for path in paths if path[-1] == name), ())
    joined = {"_".join(path).lower(): path for path in paths}
    return same or joined.get(nearest("_".join((*parent, name)), joined, likeness=0.75), ())
