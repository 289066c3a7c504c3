"""Compare what clients were given by two servers, field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.server import USER_A, USER_B

MISSING = object()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A difference with a reason: where it is, and what the gateway answers there."""

    why: str
    place: str
    there: str

    def covers(self, at: str, there: Any) -> bool:
        return bool(re.search(self.place, at) and re.fullmatch(self.there, str(there)))


FORESEEN = (
    Foreseen(
        "every answer names its file, as RFC 6266 spells it",
        r"opened\.disposition$|a part\.disposition$",
        r'(inline|attachment); filename="[^"]+"(; filename\*=UTF-8\'\'\S+)?',
    ),
    Foreseen("text says its charset", r"\.type$", r"text/plain; ?charset=utf-8"),
    Foreseen(
        "the stand-in makes no renditions",
        r"(transformed|as it is).*\.(type|size|digest)$",
        r"image/(jpeg|png|webp)|\d+|[0-9a-f]{64}",
    ),
)
VOLATILE = (
    (r"(?<=token=)[\w.-]+", "<token>"),
    (r'(?<="token": ")[\w.-]+', "<token>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)", "<time>"),
    (rf"(?!{USER_A}|{USER_B})\b[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}", "<uuid>"),
)


def settled(told: Any, base: str) -> Any:
    """What was told, without what no two servers say alike."""
    text = json.dumps(told).replace(base, "")
    for volatile, name in VOLATILE:
        text = re.sub(volatile, name, text)
    return json.loads(text)


def differences(one: Any, other: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values part: the place, and both."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one | other:
            place = f"{at}.{name}" if at else name
            yield from differences(one.get(name, MISSING), other.get(name, MISSING), place)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{at}[{index}]")
    elif one != other:
        yield at, one, other


def unforeseen(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """The differences that nobody gave a reason for."""
    return {
        at: (here, there)
        for at, here, there in differences(one, other)
        if not any(foreseen.covers(at, there) for foreseen in FORESEEN)
    }
