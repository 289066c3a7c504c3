"""Rows: logs of JSON objects, one a line, or the lines of one array."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias, cast

from gateway.simulation.entries import moment, since, size

Row: TypeAlias = Mapping[str, object]

_decode = json.JSONDecoder().decode
_BRACKETS = frozenset({"", "[", "]"})


def row_of(line: str) -> Row | None:
    """The object of a line; None for one that only opens or closes an array.

    Raises `ValueError` for anything else.
    """
    text = line.strip().removesuffix(",")
    if text in _BRACKETS:
        return None
    try:
        value: object = _decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return cast(Row, value)


def text(value: object) -> str:
    """A member as text, empty where there is none. Raises `TypeError` for a list or an object."""
    if isinstance(value, str):
        # JSON can hold halves of characters, which are no text anywhere else.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    raise TypeError("neither text nor number")


def octets(value: object) -> int:
    """A member as a number of octets."""
    return size(text(value))


def time(value: object) -> float:
    """A member as Unix seconds: a number of any unit, or text of RFC 3339."""
    told = text(value)
    return since(float(told)) if told[:1].isdigit() and "-" not in told else moment(told)
