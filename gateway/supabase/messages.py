"""What clients ask to be signed, read as Supabase's server reads it: Fastify, with ajv's coercion.

Members that the server does not know are let pass, as there: storage3 sends `download` along.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from gateway.errors import InvalidRequest
from gateway.supabase.numbers import number_of, single

MOST_PATHS = 1000

# The server's own bound: what is a safe integer in JavaScript, in milliseconds.
_LONGEST = 2**53 // 1000


@dataclass(frozen=True, slots=True)
class SignOne:
    """A call for one signed URL, good for `expires_in` seconds.

    `transform` is as it came, for `gateway.supabase.transforms` to judge; empty when there is none.
    """

    expires_in: int
    transform: Mapping[str, object] = field(default_factory=dict[str, object])

    @classmethod
    def read(cls, body: bytes) -> SignOne:
        """Raises `InvalidRequest` with the server's own message."""
        members = _members(body, "expiresIn")
        return cls(_seconds(members["expiresIn"]), _transform(members))

    @property
    def wire(self) -> bytes:
        """The body for upstream."""
        transform = {"transform": self.transform} if self.transform else {}
        return json.dumps({"expiresIn": self.expires_in, **transform}).encode()


@dataclass(frozen=True, slots=True)
class SignMany:
    """A call for many signed URLs of one bucket.

    `paths` keep their order and may repeat. `transform` is for all of them; upstream ignores it.
    """

    expires_in: int
    paths: tuple[str, ...]
    transform: Mapping[str, object] = field(default_factory=dict[str, object])

    @classmethod
    def read(cls, body: bytes) -> SignMany:
        """Raises `InvalidRequest` with the server's own message."""
        members = _members(body, "expiresIn", "paths")
        seconds = _seconds(members["expiresIn"])
        return cls(seconds, _paths(members["paths"]), _transform(members))

    def wire(self, paths: list[str]) -> bytes:
        """The body for upstream, for some of the paths."""
        return json.dumps({"expiresIn": self.expires_in, "paths": paths}).encode()


def _members(body: bytes, *required: str) -> dict[str, object]:
    try:
        value: object = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        problem = "Body is not valid JSON but content-type is set to 'application/json'"
        raise InvalidRequest(problem) from None
    if not isinstance(value, dict):
        raise InvalidRequest("body must be object")
    members = cast(dict[str, object], value)
    for name in required:
        if name not in members:
            raise InvalidRequest(f"body must have required property '{name}'")
    return members


def _seconds(value: object) -> int:
    number = number_of(single(value))
    if math.isinf(number) and isinstance(single(value), str):
        raise InvalidRequest('body/expiresIn must pass "finite" keyword validation')
    if not number.is_integer():  # infinity and NaN are no integers either
        raise InvalidRequest("body/expiresIn must be integer")
    if number < 1:
        raise InvalidRequest("body/expiresIn must be >= 1")
    if number > _LONGEST:
        raise InvalidRequest("Invalid Parameter expiresIn", code="InvalidParameter")
    return int(number)


def _paths(value: object) -> tuple[str, ...]:
    """A lone scalar stands for a list of it."""
    paths = [value] if value is None or isinstance(value, str | int | float) else value
    if not isinstance(paths, list):
        raise InvalidRequest("body/paths must be array")
    listed = cast(list[object], paths)
    if not listed:
        raise InvalidRequest("body/paths must NOT have fewer than 1 items")
    if len(listed) > MOST_PATHS:
        raise InvalidRequest(f"body/paths must NOT have more than {MOST_PATHS} items")
    return tuple(_path(number, path) for number, path in enumerate(listed))


def _path(number: int, value: object) -> str:
    match single(value):
        case str() as text:
            return text
        case None:
            return ""
        case int() | float() as scalar:
            return json.dumps(scalar)
        case _:
            raise InvalidRequest(f"body/paths/{number} must be string")


def _transform(members: Mapping[str, object]) -> Mapping[str, object]:
    value = members.get("transform", {})
    if not isinstance(value, dict):
        raise InvalidRequest("body/transform must be object")
    return cast(dict[str, object], value)


def _no_constant(name: str) -> object:
    raise ValueError(name)
