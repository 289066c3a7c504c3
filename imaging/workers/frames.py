"""Frames: how pool and workers send a JSON head and a body to each other.

    frame = "OSI1" head-length(4) body-length(8) head body        lengths big-endian

Every field of a head is read with its type checked: the pool does not trust a worker, which has
read hostile bytes.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = struct.Struct("!4sIQ")
_MAGIC = b"OSI1"
_PRINTABLE = re.compile(r"[ -~]*")
# A logo is in it, as text.
_LONGEST_HEAD = 512 * 1024
_LONGEST_BODY = 256 * 1024 * 1024


class ProtocolError(Exception):
    """The other side said something that is no frame, or not a reply to what was asked."""


@dataclass(frozen=True, slots=True)
class Head:
    """The fields of a frame, read with their types checked."""

    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """A short text that may stand in a response field: printable ASCII on one line."""
        value = self.fields.get(name)
        if not isinstance(value, str) or len(value) > 256 or not _PRINTABLE.fullmatch(value):
            raise ProtocolError(f"{name} is not a short text")
        return value

    def count(self, name: str) -> int:
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
            raise ProtocolError(f"{name} is not a count")
        return value

    def table(self, name: str) -> Head:
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise ProtocolError(f"{name} is not a table")
        return Head(value)


def pack(head: Mapping[str, object], body_length: int) -> bytes:
    """The frame up to its body, which follows uncopied."""
    text = json.dumps(head, separators=(",", ":")).encode()
    return PREFIX.pack(_MAGIC, len(text), body_length) + text


def unpack_prefix(prefix: bytes) -> tuple[int, int]:
    """The lengths of head and body; ProtocolError when it is no prefix or they are absurd."""
    magic, head, body = PREFIX.unpack(prefix)
    if magic != _MAGIC or head > _LONGEST_HEAD or body > _LONGEST_BODY:
        raise ProtocolError("not a frame")
    return head, body


def unpack_head(text: bytes) -> Head:
    """The head's fields; ProtocolError when they are no JSON object."""
    try:
        fields: object = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("a head is JSON") from None
    if not isinstance(fields, dict):
        raise ProtocolError("a head is an object")
    return Head(fields)
