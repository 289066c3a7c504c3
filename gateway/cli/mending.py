"""Mending: what most likely happened to a link on its way, found by undoing it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from signing.errors import LinkRefused
from signing.grammar import PATH, STORAGE_TOKEN
from signing.links import Link

Target = tuple[bytes, bytes]
Read = Callable[[bytes, bytes], Link]

_LITERAL = "/-._~!$&'()*+,;=:@"
_START = re.compile(rb"/(?:d|storage/v1)/")
_AROUND = b".,;:!?)>]}\"'"


@dataclass(frozen=True, slots=True)
class Mended:
    """The link as it was issued, and what was done to it since."""

    link: Link
    what: str


def mend(read: Read, raw_path: bytes, query: bytes) -> Mended | None:
    """The link that becomes right when one kind of damage is undone, or all of them at once.

    `read` gives the link of a path and query, or raises `LinkRefused`.
    """
    target = raw_path, query
    for what, undo in _DAMAGES:
        undone = undo(target)
        if undone != target and (link := _read(read, undone)):
            return Mended(link, what)
    done = list[str]()
    for what, undo in _DAMAGES:
        undone = undo(target)
        if undone != target:
            target = undone
            done.append(what)
            if link := _read(read, target):
                return Mended(link, "; ".join(done))
    return None


def look_of(raw_path: bytes, query: bytes) -> Iterator[str]:
    """What a link that can not be mended shows of what is wrong; nothing in it is proved."""
    if not raw_path.startswith(b"/d/"):
        yield "links of a gateway begin with /d/ after the host, or are of a storage route"
    elif not PATH.match(raw_path):
        yield "after /d/ come rendition, zone, bucket, version and key, escaped"
    if not query:
        yield "there is no query: without its token a link opens nothing"
    elif query.startswith(b"t="):
        yield from look_of_token(query[2:])


def look_of_token(token: bytes) -> Iterator[str]:
    """What a token by itself shows of what is wrong."""
    *parts, last = token.split(b".")
    if len(parts) < 7:
        yield f"its token is cut off: {len(parts) + 1} of 8 parts"
    elif len(parts) == 7 and len(last) != 32:
        yield f"its signature has {len(last)} of 32 characters: cut off, or more was added"
    if token and parts and parts[0] != b"1":
        yield "its token is not of version 1"
    if found := STORAGE_TOKEN.match(token):
        body = found[1].decode().split(".")
        until = datetime.fromtimestamp(int(body[2]), UTC)
        yield f"it says of itself: key {body[1]}, until {until:%Y-%m-%d %H:%M:%S} UTC"


def _read(read: Read, target: Target) -> Link | None:
    try:
        return read(*target)
    except LinkRefused:
        return None


def _trimmed(target: Target) -> Target:
    path, query = target
    return path.lstrip(b"<(\"'"), query.rstrip(_AROUND)


def _token_alone(target: Target) -> Target:
    path, query = target
    found = re.search(rb"(?:\A|[&?;])(t=[^&?;]*)", query)
    return path, found[1] if found else query


def _query_decoded(target: Target) -> Target:
    return target[0], unquote_to_bytes(target[1])


def _prefix_removed(target: Target) -> Target:
    path, query = target
    found = _START.search(path)
    return path[found.start() if found else 0 :], query


def _slashes_single(target: Target) -> Target:
    path, query = target
    return re.sub(rb"/{2,}", b"/", path).rstrip(b"/"), query


def _decoded_once(target: Target) -> Target:
    return unquote_to_bytes(target[0]) if b"%25" in target[0] else target[0], target[1]


def _encoded(target: Target) -> Target:
    return _spelt(unquote_to_bytes(target[0])), target[1]


def _plus_as_space(target: Target) -> Target:
    return _spelt(unquote_to_bytes(target[0].replace(b"+", b" "))), target[1]


def _normalised(form: Literal["NFC", "NFD"]) -> Callable[[Target], Target]:
    def undo(target: Target) -> Target:
        try:
            name = unquote_to_bytes(target[0]).decode()
        except UnicodeDecodeError:
            return target
        return _spelt(unicodedata.normalize(form, name).encode()), target[1]

    return undo


def _spelt(path: bytes) -> bytes:
    return quote(path, safe=_LITERAL).encode()


_DAMAGES: tuple[tuple[str, Callable[[Target], Target]], ...] = (
    ("signs of the text around it were copied along", _trimmed),
    ("parameters were added to its query", _token_alone),
    ("its query was percent-encoded", _query_decoded),
    ("a prefix was put before its path", _prefix_removed),
    ("slashes were doubled or put at its end", _slashes_single),
    ("its path was encoded twice", _decoded_once),
    ("its path was decoded, or encoded otherwise", _encoded),
    ("spaces of its path became +", _plus_as_space),
    ("its name was brought into Unicode's form NFD", _normalised("NFC")),
    ("its name was brought into Unicode's form NFC", _normalised("NFD")),
)
