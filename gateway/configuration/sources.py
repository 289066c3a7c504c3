"""Sources: the file, the `*_FILE` variables and the environment, weakest first."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from gateway.configuration.tree import Path, Tree, Values, place
from gateway.configuration.values import read_value
from gateway.configuration.variables import UnknownVariable, Variable, find_variable, is_ours
from gateway.errors import Fault
from gateway.settings.table import Unfit

LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sources:
    """Every source merged: what was read, what is wrong with it, and where something is lost."""

    tree: Tree = field(default_factory=Tree)
    faults: list[Fault] = field(default_factory=list[Fault])
    lost: list[Path] = field(default_factory=list[Path])

    def touches_lost(self, path: Path) -> bool:
        """Whether a value at, above or below `path` could not be read."""
        return any(path[: len(lost)] == lost or lost[: len(path)] == path for lost in self.lost)


def read_sources(file: FilePath | None, environ: Mapping[str, str]) -> Sources:
    """Read the file and the environment."""
    sources = Sources()
    if file is not None:
        _put_toml(sources, file)
    variables, unknown = _variables(environ)
    sources.faults.extend(unknown)
    for variable in variables:
        _put_variable(sources, variable, environ[variable.name])
    return sources


def _put_toml(sources: Sources, file: FilePath) -> None:
    try:
        values = _toml(file)
    except Unfit as error:
        sources.faults.append(Fault(str(file), error.what, error.hint))
        sources.lost.append(())
        return
    for name, value in values.items():
        sources.tree.put((name,), value, str(file))


def _toml(file: FilePath) -> Values:
    try:
        return tomllib.loads(_text_of(file))
    except tomllib.TOMLDecodeError as error:
        raise Unfit(f"is not TOML: {error}") from None
    except RecursionError:
        raise Unfit("is not TOML: too deep") from None


def _variables(environ: Mapping[str, str]) -> tuple[list[Variable], list[Fault]]:
    """The variables in the order they are put: files first, tables before what is in them."""
    found: dict[tuple[object, ...], Variable] = {}
    faults = list[Fault]()
    for name in sorted(name for name, value in environ.items() if is_ours(name, value)):
        try:
            variable = find_variable(name)
        except UnknownVariable as error:
            faults.append(error.fault)
            continue
        first = found.setdefault((variable.path, variable.in_file), variable)
        if first is not variable:
            faults.append(Fault(name, f"sets the same as {first.name}", "keep one of them"))
    return sorted(found.values(), key=lambda one: (not one.in_file, len(one.path))), faults


def _put_variable(sources: Sources, variable: Variable, text: str) -> None:
    try:
        if variable.in_file:
            text = _text_of(FilePath(text)).removesuffix("\n").removesuffix("\r")
        sources.tree.put(variable.path, read_value(text, variable.node), variable.name)
    except Unfit as error:
        where = place(variable.path, variable.name)
        sources.faults.append(Fault(where, error.what, error.hint))
        sources.lost.append(variable.path)


def _text_of(file: FilePath) -> str:
    """A file's text.

    Raises `Unfit`, which repeats neither what is in it nor its path: where a path belongs,
    somebody may have put the secret itself.
    """
    try:
        with file.open("rb") as stream:
            octets = stream.read(LARGEST_FILE + 1)
        text = octets.decode()
    except OSError as error:
        raise Unfit("the file can not be read", error.strerror or "") from None
    except ValueError:
        raise Unfit("the file can not be read", "not UTF-8, or no path") from None
    if len(octets) > LARGEST_FILE:
        raise Unfit("the file can not be read", f"more than {LARGEST_FILE} octets")
    return text
