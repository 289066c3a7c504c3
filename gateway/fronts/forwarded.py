"""Forwarded: what proxies tell of the request that they had, in the fields that proxies use.

The nearest proxy's word stands at the right; what stands to the left of the first stranger is
a stranger's word (RFC 7239 section 8.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"

HIDDEN: Final = "ostiary.hidden"
"""In a request's scope when its peer is a front of ours, which did not say whom it asks for."""

FORWARDED: Final = b"forwarded"
CHAIN: Final = b"x-forwarded-for"
_WITH_PORT: Final = b"cloudfront-viewer-address"
_LONGEST = 64
_HOPS = 32

_IPV4_PORT = re.compile(r"([0-9.]+)(?::[0-9]{1,5})?")
_IPV6_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = re.compile(rb"(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"([^"\\\x00-\x1f]*)")')
_HOST = re.compile(rb"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def address_of(text: str) -> Address | None:
    """An address as fields write it, with or without a port and brackets; None for anything else.

    An IPv4 address mapped into IPv6 is the IPv4 address (RFC 4291 section 2.5.5.2).
    """
    return _address(text) if len(text) <= _LONGEST and "%" not in text else None


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    bare = _IPV4_PORT.fullmatch(text) or _IPV6_PORT.fullmatch(text)
    try:
        found = ipaddress.ip_address(bare[1] if bare else text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def client_told(
    field: bytes, values: Iterable[bytes], trusted: Callable[[Address], bool]
) -> Address | None:
    """The client that a trusted proxy tells of in a field; None when it tells of none.

    `values` are those of all fields of the name, in order. In the two that each proxy adds to,
    trusted hops are passed over from the right; of any other field only one value is believed.
    """
    if field in (FORWARDED, CHAIN):
        told: Address | None = None
        for found in _from_the_right(field, list(values)):
            if found is None:
                break
            told = found
            if not trusted(found):
                break
        return told
    (text, *more) = [value.decode("latin-1").strip(" \t") for value in values] or [""]
    if field == _WITH_PORT:  # which has IPv6 addresses without brackets, and always a port
        text = text.rpartition(":")[0].strip("[]")
    return None if more else address_of(text)


def _from_the_right(field: bytes, values: list[bytes]) -> Iterator[Address | None]:
    members = b",".join(values).rsplit(b",", _HOPS)[-_HOPS:]
    for member in reversed(members):
        node = member.strip(b" \t")
        if field == FORWARDED:
            node = pairs_of(node).get(b"for", b"")
        yield address_of(node.decode("latin-1"))


def pairs_of(element: bytes) -> dict[bytes, bytes]:
    """An element of Forwarded, names in lower case; empty for one that breaks the grammar."""
    pairs: dict[bytes, bytes] = {}
    for part in element.split(b";"):
        match = _PAIR.fullmatch(part.strip(b" \t"))
        if match is None or match[1].lower() in pairs:
            return {}
        pairs[match[1].lower()] = match[2] or match[3] or b""
    return pairs


def nearest(values: Iterable[bytes]) -> bytes:
    """The last member of a list field: what the nearest proxy said."""
    return b",".join(values).rpartition(b",")[2].strip(b" \t")


def is_host(text: bytes) -> bool:
    """Whether it may stand in a Host field, as far as URLs made of it are concerned."""
    return _HOST.fullmatch(text) is not None
