"""What clients of Supabase ask a picture to become, and the name of the rendition that it is here.

The rules and their messages are those of the storage server's schema
(src/http/schemas/transformations.ts), judged in its validator's order; `page` is ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.supabase.numbers import number_of, single
from imaging.limits import LONGEST_SIDE
from imaging.names.gravity import CENTRE, KINDS, WHOLE, Gravity, Offset, focal_point
from imaging.names.renditions import FITS, LARGEST, ORIGIN, Rendition

FORMATS = (ORIGIN, "avif", "webp")
LOWEST_QUALITY = 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a side may be, in pixels; what is longer is made as long, or refused if `strict`."""

    largest: int = 2500
    strict: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.largest <= LARGEST:
            raise ValueError(f"the largest side must be 1 to {LARGEST}")


@dataclass(frozen=True, slots=True)
class Transform:
    """What to make of a picture. 0, "" and the middle mean that nothing was asked for.

    `resize` and `gravity` matter where both width and height are given: one alone crops nothing.
    """

    width: int = 0
    height: int = 0
    resize: str = "cover"
    quality: int = 0
    format: str = ""
    gravity: Gravity = CENTRE
    page: int = 0

    def __post_init__(self) -> None:
        if self.resize not in FITS or self.format not in ("", *FORMATS):
            raise ValueError("resize and format are those of Supabase")
        self.rendition_name()  # the numbers are bounded there

    @classmethod
    def of_query(cls, pairs: Iterable[tuple[str, str]], bounds: Bounds) -> Transform:
        """Of the decoded pairs of a query; raises `InvalidRequest` with the server's message."""
        values: dict[str, list[object]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return _transform(_Members("querystring", values), bounds)

    @classmethod
    def of_body(cls, transform: Mapping[str, object], bounds: Bounds) -> Transform:
        """Of the member `transform` of a body that asks for a signed URL; raises as `of_query`."""
        return _transform(_Members("body/transform", transform), bounds)

    def rendition_name(self) -> str:
        """The exact name of the rendition: the same for all transforms that ask for the same."""
        fit = self.resize if self.width and self.height else ""
        gravity = self.gravity if fit == "cover" else CENTRE
        return Rendition(
            page=self.page,
            width=self.width,
            height=self.height,
            fit=fit,
            quality=self.quality,
            format=self.format,
            gravity=gravity,
        ).name


@dataclass(frozen=True, slots=True)
class _Members:
    """Members of a query or a body, and what the server's messages call the place they are in."""

    place: str
    values: Mapping[str, object]

    def integer(self, name: str, least: float, most: float = math.inf) -> int:
        """0 when the member is not there."""
        if name not in self.values:
            return 0
        number = self._finite(name, "integer")
        if number % 1:
            raise self._wrong(name, "must be integer")
        return int(self._within(name, number, least, most))

    def number(self, name: str) -> float:
        """0 when the member is not there."""
        return self._finite(name, "number") if name in self.values else 0.0

    def part(self, name: str) -> None:
        """Refuses a member that is missing or not from 0 to 1."""
        if name not in self.values:
            raise InvalidRequest(f"{self.place} must have required property '{name}'")
        number = number_of(single(self.values[name]))
        if not math.isfinite(number):
            raise self._wrong(name, "must be number")
        self._within(name, number, 0, 1)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """The empty text when the member is not there."""
        if name not in self.values:
            return ""
        value = single(self.values[name])
        if isinstance(value, list | dict):
            raise self._wrong(name, "must be string")
        if not isinstance(value, str) or value not in allowed:
            raise self._wrong(name, "must be equal to one of the allowed values")
        return value

    def _finite(self, name: str, kind: str) -> float:
        value = single(self.values[name])
        number = number_of(value)
        if math.isinf(number) and isinstance(value, str):
            raise self._wrong(name, 'must pass "finite" keyword validation')
        if not math.isfinite(number):
            raise self._wrong(name, f"must be {kind}")
        return number

    def _within(self, name: str, number: float, least: float, most: float) -> float:
        if number < least:
            raise self._wrong(name, f"must be >= {least}")
        if number > most:
            raise self._wrong(name, f"must be <= {most}")
        return number

    def _wrong(self, name: str, what: str) -> InvalidRequest:
        return InvalidRequest(f"{self.place}/{name} {what}")


def _transform(members: _Members, bounds: Bounds) -> Transform:
    # The validator judges a focal point before all else, then the rest in this order.
    if single(members.values.get("gravity")) == "fp":
        members.part("x_offset")
        members.part("y_offset")
    height, width = _side(members, "height", bounds), _side(members, "width", bounds)
    resize = members.choice("resize", FITS) or "cover"
    format = members.choice("format", FORMATS)
    quality = members.integer("quality", LOWEST_QUALITY, 100)
    gravity = _gravity(members)
    return Transform(
        width, height, resize, quality, format, gravity, members.integer("page", 1, 9999)
    )


def _side(members: _Members, name: str, bounds: Bounds) -> int:
    most = bounds.largest if bounds.strict else math.inf
    return min(members.integer(name, 0, most), bounds.largest)


def _gravity(members: _Members) -> Gravity:
    kind = members.choice("gravity", KINDS)
    x, y = members.number("x_offset"), members.number("y_offset")
    match kind:
        case "":
            return CENTRE
        case "sm":  # its offsets are let pass and mean nothing, as there
            return Gravity(kind)
        case "fp":
            return focal_point(x, y)
        case _:
            return Gravity(kind, _offset(x), _offset(y))


def _offset(way: float) -> Offset:
    """Below 1 a share of the picture's side, from there on pixels (imgproxy, gravity)."""
    if abs(way) < 1:
        return Offset(round(way * WHOLE))
    return Offset(round(max(-LONGEST_SIDE, min(way, LONGEST_SIDE))), pixels=True)
