"""Names for one request: its own id, the caller's trace, the caller's network."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

# W3C Trace Context, section 3.2: version ff is invalid, and so are ids of zeros alone; a later
# version may add fields, version 00 may not.
_TRACEPARENT = re.compile(
    rb"(?:00|(?!ff)[0-9a-f]{2}(?=.{53}(?:-|\Z)))"
    rb"-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_BATCH = 4096


def trace_id(traceparent: bytes) -> str:
    """The 32 hex characters of a `traceparent` field's trace id; empty when it is not valid."""
    if not 55 <= len(traceparent) <= 512:
        return ""
    match = _TRACEPARENT.match(traceparent)
    if match is None or (traceparent[:2] == b"00" and len(traceparent) != 55):
        return ""
    return match[1].decode()


def request_ids() -> Iterator[str]:
    """Random ids of 16 hex characters without end; one system call makes 512 of them."""
    while True:
        pool = os.urandom(_BATCH).hex()
        for start in range(0, len(pool), 16):
            yield pool[start : start + 16]


def client_of(scope: Mapping[str, Any]) -> str:
    """The network of an ASGI request's peer; whoever stands in front counts as the client."""
    peer = scope.get("client")
    return client_network(peer[0]) if peer else ""


@lru_cache(maxsize=4096)
def client_network(address: str) -> str:
    """The /24 or /48 that the address lies in: enough to tell networks apart, not people.

    Empty for what is not an IP address (a Unix socket, a test). An IPv4 address mapped into IPv6
    counts as the IPv4 address it is.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    length = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, length), strict=False))
