"""The table: what every part of the settings is, and the kinds of value it may hold."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
)

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_KEY_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){32,}")
_SEAL_HEX = re.compile(r"[0-9a-fA-F]{128}")


class Unfit(ValueError):
    """A value that breaks a rule; `what` and `hint` never repeat the value of a secret."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Table(BaseModel):
    """One table of `ostiary.toml`: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def filled(value: tuple[T, ...]) -> tuple[T, ...]:
    """A list as it is; raises `Unfit` when nothing is in it.

    The models' own smallest length would count what is left of a list with wrong items.
    """
    if not value:
        raise Unfit("must not be empty")
    return value


def named(value: str) -> str:
    """A name as it is; raises `Unfit` when it may not stand in a file, a field and a tag."""
    if not _NAME.fullmatch(value):
        raise Unfit(
            "is not a name that may stand here",
            "1 to 32 of a-z, 0-9 and -, beginning with a letter or a digit",
        )
    return value


def _named_or_empty(value: str) -> str:
    return value and named(value)


def _key_octets(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _KEY_HEX.fullmatch(value):
        raise Unfit(
            "is not a key: an even number of hex digits, 64 or more, is needed",
            "make one with: openssl rand -hex 32",
        )
    return bytes.fromhex(value)


def _seal_octets(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value and not _SEAL_HEX.fullmatch(value):
        raise Unfit(
            "is not a seal key: exactly 128 hex digits are needed",
            "make one with: openssl rand -hex 64",
        )
    return bytes.fromhex(value)


Name = Annotated[str, AfterValidator(named)]
"""The name of a zone, a store or a CDN."""

Region = Annotated[str, AfterValidator(_named_or_empty)]
"""The name of a region; empty for none."""

Number = Annotated[int, Field(strict=True)]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A part of a whole, such as 0.25."""

Switch = Annotated[bool, Field(strict=True)]
Secret = SecretStr

KeySecret = Annotated[SecretBytes, BeforeValidator(_key_octets)]
"""A signing key: configured as hex, held as the octets that the hex stands for."""

SealSecret = Annotated[SecretBytes, BeforeValidator(_seal_octets)]
"""The seal key: 64 octets, or none."""
