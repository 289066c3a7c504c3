"""Cookies: what a browser is told to keep of a companion, and what it sends back (RFC 6265)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.wire.asgi import Field

MOST: Final = 8
"""Cookies of one name that are looked at; a browser sends one for each path and partition."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that no script reads and that goes over TLS alone, to the paths below `path`."""

    name: str
    path: str

    def put(self, value: str, seconds: int, *, embedded: bool) -> Field:
        """The field that has it kept for so long.

        One for pages of another site (`embedded`) is kept apart for each site that embeds us, so
        that it tells nobody where a viewer has been (CHIPS).
        """
        site = "SameSite=None; Partitioned" if embedded else "SameSite=Lax"
        kept = f"{self.name}={value}; Max-Age={seconds}; Path={self.path}"
        return b"set-cookie", f"{kept}; Secure; HttpOnly; {site}".encode()

    def keep(self, value: str, seconds: int, *, embedded: bool) -> tuple[Field, Field]:
        """The fields that have it kept, and end one of the other kind, which would go on."""
        other = self.put("", 0, embedded=not embedded)
        return other, self.put(value, seconds, embedded=embedded)

    def drop(self) -> tuple[Field, Field]:
        """The fields that end it, in both of its kinds: a browser keeps them apart."""
        return self.put("", 0, embedded=False), self.put("", 0, embedded=True)

    def values(self, sent: bytes) -> list[str]:
        """Its values in a Cookie field, in order, and only so many of them."""
        mine = self.name.encode()
        return [value.decode("latin-1") for value in named(sent, mine).get(mine, ())]


def named(sent: bytes, begins: bytes) -> dict[bytes, list[bytes]]:
    """The values of a Cookie field whose names begin so, in order, and so many of each name."""
    found: dict[bytes, list[bytes]] = {}
    # Several fields of one request are joined by commas, which no value of ours holds.
    for pair in sent.replace(b",", b";").split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name.startswith(begins):
            values = found.setdefault(name, [])
            if len(values) < MOST:
                values.append(value)
    return found
