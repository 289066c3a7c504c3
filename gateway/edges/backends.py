"""Backends: where an edge finds the gateway."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_PLACE = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Backend:
    """A host, by name or address and without brackets, and a port of it.

    Raises ValueError for what is neither: the two are written into code.
    """

    host: str
    port: int

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65_535:
            raise ValueError("a port is 1 to 65535")
        if not (_NAME.fullmatch(self.host) and len(self.host) <= 253) and not self.v6:
            raise ValueError("a host is a name or an address")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read HOST:PORT or [IPv6]:PORT; raises ValueError for any other text."""
        found = _PLACE.fullmatch(text)
        if not found or not text.isascii():
            raise ValueError("a backend is HOST:PORT, such as 127.0.0.1:8080")
        return cls(found["v6"] or found["host"], int(found["port"]))

    @property
    def v6(self) -> bool:
        """Whether the host is an IPv6 address."""
        try:
            ipaddress.IPv6Address(self.host)
        except ValueError:
            return False
        return "%" not in self.host

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        return f"[{self.host}]:{self.port}" if self.v6 else f"{self.host}:{self.port}"
