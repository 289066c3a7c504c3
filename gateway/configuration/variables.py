"""Variables: which setting an `OSTIARY_…` variable of the environment speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.configuration.nearest import nearest_path
from gateway.configuration.tree import Path
from gateway.errors import Fault
from gateway.settings.schema import PREFIX, Node, schema, variable

CONFIG = PREFIX + "CONFIG"
DATABASE_URL = PREFIX + "CONNECT_DATABASE_URL"
# varnishd reads it (deploy/varnish), and one shell may well start both.
PURGE_SECRET = PREFIX + "PURGE_SECRET"
FILE = "_FILE"

# Kubernetes gives every pod such variables of a Service that happens to be called ostiary.
_SERVICE = re.compile(
    r"(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)"
)
_SERVICE_PORT = re.compile(r"(?:[A-Z0-9_]+_)?PORT=(?:tcp|udp|sctp)://.*")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable and its setting; with `in_file` its value is the path of a file."""

    name: str
    path: Path
    node: Node
    in_file: bool


class UnknownVariable(Exception):
    """No setting of that name; `fault` says so with the nearest one."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def is_ours(name: str, value: str) -> bool:
    """Whether a variable speaks to the settings at all."""
    if not name.startswith(PREFIX) or name in (CONFIG, DATABASE_URL, PURGE_SECRET):
        return False
    rest = name.removeprefix(PREFIX)
    return not (_SERVICE.fullmatch(rest) or _SERVICE_PORT.fullmatch(f"{rest}={value}"))


def find_variable(name: str) -> Variable:
    """The setting that a variable speaks of. Raises `UnknownVariable`."""
    in_file = name.endswith(FILE)
    parts = name.removeprefix(PREFIX).removesuffix(FILE if in_file else "").split("__")
    if name != name.upper():
        raise UnknownVariable(Fault(name, "is not in capitals", f"write {name.upper()}"))
    node = schema()
    path: Path = ()
    for part in parts:
        key = _key(part, node)
        below = node.child(key) if key and node.kind in ("table", "names") else None
        if below is None:
            raise UnknownVariable(_unknown(name, path, node, "_".join(parts[len(path) :]), in_file))
        node, path = below, (*path, key)
    return Variable(name, path, node, in_file)


def _key(part: str, node: Node) -> str:
    """A part of the variable as the key it stands for; names of tables have no underscore."""
    key = part.lower()
    return key.replace("_", "-") if node.kind == "names" and node.of_tables else key


def _unknown(name: str, path: Path, node: Node, rest: str, in_file: bool) -> Fault:
    meant = nearest_path(path, node, rest.lower())
    hint = f"nearest: {variable(meant)}{FILE if in_file else ''}" if meant else ""
    return Fault(name, "is no setting", hint)
