"""The request schemas, with coercion and complaints as the real server's validator has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.contract.server.answers import invalid_request

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
GRAVITIES = ("no", "so", "ea", "we", "noea", "nowe", "soea", "sowe", "ce", "sm", "fp")
_ENUMS = {
    "resize": ("cover", "contain", "fill"),
    "format": ("origin", "avif", "webp"),
    "gravity": GRAVITIES,
}


def required(where: str, value: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    """An object that has all the properties."""
    if not isinstance(value, Mapping):
        raise invalid_request(f"{where} must be object")
    for name in names:
        if name not in value:
            raise invalid_request(f"{where} must have required property '{name}'")
    return value


def _numeric(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return float(bool(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return float(value) if isinstance(value, int | float) else None


def integer(where: str, value: Any, least: int, most: int | None = None) -> int:
    """A whole number, also as text."""
    number = _numeric(value)
    if number is None or number != int(number):
        raise invalid_request(f"{where} must be integer")
    if number < least:
        raise invalid_request(f"{where} must be >= {least}")
    if most is not None and number > most:
        raise invalid_request(f"{where} must be <= {most}")
    return int(number)


def _fraction(where: str, value: Any) -> float:
    number = _numeric(value)
    if number is None:
        raise invalid_request(f"{where} must be number")
    if number < 0:
        raise invalid_request(f"{where} must be >= 0")
    if number > 1:
        raise invalid_request(f"{where} must be <= 1")
    return number


def expires_in(body: Mapping[str, Any]) -> int:
    return integer("body/expiresIn", body["expiresIn"], 1)


def paths(body: Mapping[str, Any], name: str = "paths") -> list[str]:
    """One to a thousand names; a single one counts as a list."""
    value = body[name]
    found = value if isinstance(value, list) else [value]
    if not found:
        raise invalid_request(f"body/{name} must NOT have fewer than 1 items")
    if len(found) > 1000:
        raise invalid_request(f"body/{name} must NOT have more than 1000 items")
    for index, item in enumerate(found):
        if not isinstance(item, str):
            raise invalid_request(f"body/{name}/{index} must be string")
    return found


def transformation(where: str, given: Any) -> dict[str, Any]:
    """Checked options of a rendition; what the server does not know is left out."""
    options = required(where, given, ())
    checked: dict[str, Any] = {}
    for name in ("height", "width"):
        if name in options:
            checked[name] = integer(f"{where}/{name}", options[name], 0)
    if "quality" in options:
        checked["quality"] = integer(f"{where}/quality", options["quality"], 20, 100)
    for name, allowed in _ENUMS.items():
        if name in options:
            if options[name] not in allowed:
                raise invalid_request(f"{where}/{name} must be equal to one of the allowed values")
            checked[name] = options[name]
    for name in ("x_offset", "y_offset"):
        if name in options:
            checked[name] = _fraction(f"{where}/{name}", options[name])
        elif checked.get("gravity") == "fp":
            raise invalid_request(f"{where} must have required property '{name}'")
    return checked
