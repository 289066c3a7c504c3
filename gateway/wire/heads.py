"""Heads: fields of an answer that are the same each time, also as the octets they are sent as."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.wire.asgi import Field

# RFC 9110 sections 5.1 and 5.5: a token, and no control characters in a value.
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")


def joined(fields: Iterable[Field]) -> bytes:
    """Field lines as they go over the wire (RFC 9112 section 5)."""
    return b"\r\n".join([*map(b": ".join, fields), b""])


@dataclass(frozen=True, slots=True)
class Head:
    """Fields, checked once, since they are joined and sent many times.

    Raises ValueError for a name or a value that would break the message's framing.
    """

    fields: tuple[Field, ...] = ()
    octets: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.fields:
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError("no such field can be sent")
        object.__setattr__(self, "octets", joined(self.fields))

    def without(self, name: bytes) -> Head:
        """The same but for one field."""
        return Head(tuple(one for one in self.fields if one[0] != name))


EMPTY = Head()
