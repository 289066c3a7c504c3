"""Faults: what the models refuse, told in plain words without any value that may be secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.configuration.nearest import nearest, nearest_path
from gateway.configuration.tree import Path, Tree, dotted, place
from gateway.errors import Fault
from gateway.settings.rules import Breach, RulesBroken
from gateway.settings.schema import Node, schema, variable
from gateway.settings.table import Unfit

_HEX = re.compile(r"[0-9A-Fa-f]{32,}")

_WORDS: Mapping[str, str] = {
    "string_type": "must be text",
    "bytes_type": "must be text",
    "string_unicode": "must be text in UTF-8",
    "int_type": "must be a whole number",
    "float_type": "must be a number such as 0.25",
    "finite_number": "must be a number such as 0.25",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def breaches_of(error: ValidationError) -> Iterator[Breach]:
    """Everything that the models refuse, the rules between tables included."""
    for detail in error.errors(include_url=False):
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, RulesBroken):
            yield from cause.breaches
        else:
            yield _breach(detail, cause)


def masked(fault: Fault) -> Fault:
    """The fault without long runs of hex digits, which may be a key in the wrong place."""
    parts = (fault.where, fault.what, fault.hint)
    return Fault(*(_HEX.sub("…", part) for part in parts))


def fault_of(breach: Breach, tree: Tree) -> Fault:
    """A breach with the source of the value beside its place."""
    return Fault(place(breach.path, tree.origin(breach.path)), breach.what, breach.hint)


def _breach(detail: ErrorDetails, cause: object) -> Breach:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    if isinstance(cause, Unfit):
        return Breach(path, cause.what, cause.hint)
    tell = _TELLERS.get(detail["type"], _plain)
    return tell(path, detail)


def _plain(path: Path, detail: ErrorDetails) -> Breach:
    return Breach(path, _WORDS.get(detail["type"], "is not a value that may stand here"))


def _missing(path: Path, detail: ErrorDetails) -> Breach:
    return Breach(path, "is needed", f"in the environment it is {variable(path)}")


def _unknown(path: Path, detail: ErrorDetails) -> Breach:
    parent = _node(path[:-1])
    meant = nearest_path(path[:-1], parent, path[-1])
    known = f"known here: {', '.join(parent.fields)}" if parent else ""
    return Breach(path, "is no setting", f"nearest: {dotted(meant)}" if meant else known)


def _too_small(path: Path, detail: ErrorDetails) -> Breach:
    return Breach(path, f"must be at least {detail.get('ctx', {})['ge']}")


def _too_large(path: Path, detail: ErrorDetails) -> Breach:
    return Breach(path, f"must be at most {detail.get('ctx', {})['le']}")


def _no_choice(path: Path, detail: ErrorDetails) -> Breach:
    expected = str(detail.get("ctx", {})["expected"])
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    meant = nearest(str(detail["input"]), words)
    return Breach(path, f"must be one of {', '.join(words)}", f"nearest: {meant}" if meant else "")


def _node(path: Path) -> Node | None:
    node: Node | None = schema()
    for part in path:
        node = node and node.child(part)
    return node


_TELLERS: Mapping[str, Callable[[Path, ErrorDetails], Breach]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
    "literal_error": _no_choice,
}
