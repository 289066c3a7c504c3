"""Credentials: the two fields by which a caller of the storage routes says who it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.errors import CallerRefused


class Credentials(NamedTuple):
    """The values of Authorization and apikey as they came; empty where there is none."""

    authorization: bytes = b""
    apikey: bytes = b""

    def __repr__(self) -> str:
        return "<Credentials>"

    @classmethod
    def of(cls, fields: Iterable[tuple[bytes, bytes]]) -> Credentials:
        """Find them; two of one name could be two callers, so that is `CallerRefused`."""
        found: dict[bytes, bytes] = {}
        for name, value in fields:
            if name in (b"authorization", b"apikey"):
                if name in found:
                    raise CallerRefused("malformed")
                found[name] = value
        return cls(found.get(b"authorization", b""), found.get(b"apikey", b""))
