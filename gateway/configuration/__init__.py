"""Configuration: settings read from their sources, or every fault at once.

The environment is stronger than files named by `*_FILE` variables, and those are stronger than
`ostiary.toml`. A table given as JSON takes the place of the whole table of weaker sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway.configuration.faults import breaches_of, fault_of, masked
from gateway.configuration.salvage import salvage
from gateway.configuration.sources import read_sources
from gateway.configuration.tree import Tree, dotted
from gateway.configuration.variables import CONFIG
from gateway.errors import ConfigurationError
from gateway.settings import Settings
from gateway.settings.rules import Breach, RulesBroken, breaches

__all__ = ["DEFAULT_FILE", "Configuration", "load", "locate"]

DEFAULT_FILE = "ostiary.toml"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings that hold every rule, and by dotted path the source of each that was given."""

    settings: Settings
    origins: Mapping[str, str]

    def origin(self, path: tuple[str, ...]) -> str:
        """Where the value at `path`, or the list it stands in, came from."""
        given = (self.origins.get(dotted(path[:length])) for length in range(len(path), 0, -1))
        return next((origin for origin in given if origin), "default")


def locate(given: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: the one given, the one OSTIARY_CONFIG names, or `ostiary.toml` here."""
    if given is not None:
        return given
    if named := environ.get(CONFIG):
        return Path(named)
    here = Path(DEFAULT_FILE)
    return here if here.exists() else None


def load(path: Path | None, environ: Mapping[str, str]) -> Configuration:
    """Read the file and the environment. Raises `ConfigurationError` with every fault."""
    sources = read_sources(path, environ)
    tree, faults = sources.tree, sources.faults
    tree.values.setdefault("signing", {})
    try:
        settings = Settings.model_validate(tree.values)
    except ValidationError as error:
        broken = [one for one in _judged(error, tree) if not sources.touches_lost(one.path)]
        every = [*faults, *(fault_of(breach, tree) for breach in broken)]
        raise ConfigurationError(list(map(masked, every))) from None
    if faults:
        raise ConfigurationError(list(map(masked, faults)))
    return Configuration(settings, tree.origins)


def _judged(error: ValidationError, tree: Tree) -> list[Breach]:
    """What the models refuse, and what the rules between tables find in the rest of it."""
    found = list(breaches_of(error))
    causes = (detail.get("ctx", {}).get("error") for detail in error.errors())
    if any(isinstance(cause, RulesBroken) for cause in causes):
        return found
    return [*found, *breaches(salvage(tree.values))]
