"""Targets: what may be passed on of a request's path and query, and how it is spelled upstream."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.dropin.calls import PREFIX
from gateway.dropin.queries import OURS
from gateway.errors import RequestRefused
from signing.errors import LinkRefused

_TOKENS: Final = frozenset((b"token", b"t"))
# Some servers cut a segment's parameters off before they resolve it: "..;x" is "..".
_DOTS = re.compile(rb"(?:^|/)\.\.?(?:;[^/]*)?(?:/|$)")
_NEVER = re.compile(rb"[\x00-\x1f\x7f\\]")
# A link's token whole, of any route; less of it opens nothing.
_TOKEN = re.compile(
    rb"1(?:f[1-9][0-9]?)?\.[a-z0-9]{1,8}\.[1-9][0-9]{9}\.[0-9]{1,10}"
    rb"(?:\.[A-Za-z0-9_-]{1,72}){3}\.[A-Za-z0-9_-]{32}"
)
# Each reading costs the length of what is read, and a layer may be two octets.
_LAYERS = 5


def target_of(raw_path: bytes, query: bytes) -> bytes:
    """The request target for upstream: the octets that came.

    Raises `RequestRefused` (400) for a path that some server may resolve to outside the storage
    routes, or for what is encoded over and over, and `LinkRefused` for a token of ours, which no
    upstream may see.
    """
    _confine(raw_path)
    if holds_token(raw_path) or holds_token(query):
        raise LinkRefused("query")
    if any(_ours(pair) for pair in re.split(b"[&;]", query)):
        raise LinkRefused("query")
    return raw_path + b"?" + query if query else raw_path


def _confine(raw_path: bytes) -> None:
    """Judge the path as a chain of servers would read it that decode one after the other."""
    path = decoded(raw_path)
    inside = raw_path.startswith(PREFIX) and path.startswith(PREFIX)
    # Two slashes where an inner server's own paths begin would name another host to it.
    if not inside or path.startswith(PREFIX + b"/") or _DOTS.search(path) or _NEVER.search(path):
        raise RequestRefused(400, "malformed-request", "The path does not stay where it begins.")


def _ours(pair: bytes) -> bool:
    name, _, value = (decoded(part).replace(b"+", b" ").strip() for part in pair.partition(b"="))
    return name.lower() in _TOKENS and value.startswith(OURS)


def holds_token(octets: bytes) -> bool:
    """Whether a token of ours stands in it, however it is encoded; raises `RequestRefused`."""
    return _TOKEN.search(decoded(octets)) is not None


def decoded(octets: bytes) -> bytes:
    """Without percent-encoding, however often it was applied in good faith.

    Raises `RequestRefused` (400) for more layers than that.
    """
    for _ in range(_LAYERS):
        if (plain := unquote_to_bytes(octets)) == octets:
            return plain
        octets = plain
    raise RequestRefused(400, "malformed-request", "The target is encoded over and over.")
