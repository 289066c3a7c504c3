"""Addresses: a bucket and a key, and the one spelling that each has in a link.

Nothing is normalised: a key is its octets, so NFC, NFD and full-width spellings of one word are
three keys. RFC 3986 `pchar` stands as itself, every other octet as `%` and upper-case hex.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from signing.errors import Unsignable

MAX_BUCKET = 100
MAX_KEY = 1024

CANARY: Final = "~canary"
"""The one reserved bucket that a link may name; what is in it is nobody's document."""

_LITERAL = "-._~!$&'()*+,;=:@"
_NEVER = re.compile(r"[\x00-\x1f\x7f/\\]")
# Half a surrogate pair is no text: it has no octets.
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[^\x00-\x1f\x7f/\\\ud800-\udfff]+"
_NAME = re.compile(rf"(?!~){_SEGMENT}")
_NAMES = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
# Octets that stand as themselves and those that never stand; the rest is what an escape may mean.
_WRONG_ESCAPE = re.compile(rb"%(?!2[0235]|3[CEF]|5[BDE]|60|7[BCD]|[89A-F])")


def canonical_segment(text: str) -> str:
    """Return the one spelling of a decoded path segment.

    Raises `Unsignable` for what no segment may be: empty, a dot segment, or holding a control
    character, a slash, a backslash or half a surrogate pair.
    """
    if text in ("", ".", "..") or _NEVER.search(text):
        raise Unsignable("segment")
    return quote_from_bytes(_octets(text), safe=_LITERAL)


def canonical_bucket(bucket: str) -> str:
    """Return the one spelling of a bucket: at most 100 octets; with a `~` first, `CANARY` alone."""
    if (bucket.startswith("~") and bucket != CANARY) or len(_octets(bucket)) > MAX_BUCKET:
        raise Unsignable("bucket")
    return canonical_segment(bucket)


def canonical_key(key: str) -> str:
    """Return the one spelling of a key: segments joined by `/`, at most 1,024 octets decoded."""
    if len(_octets(key)) > MAX_KEY:
        raise Unsignable("key")
    return "/".join([canonical_segment(segment) for segment in key.split("/")])


def check_bucket(bucket: str) -> None:
    """Raise `Unsignable` for what `canonical_bucket` refuses, and for the canary's."""
    if not _NAME.fullmatch(bucket) or len(bucket.encode()) > MAX_BUCKET:
        raise Unsignable("bucket")


def check_key(key: str) -> None:
    """Raise `Unsignable` for what `canonical_key` refuses."""
    if not _NAMES.fullmatch(key) or len(key.encode()) > MAX_KEY:
        raise Unsignable("key")


def read_bucket(spelling: bytes) -> str:
    """Return the bucket that a link's path spells, which has passed `grammar.PATH`.

    Any but the canonical spelling is refused.
    """
    return _read(spelling, MAX_BUCKET)


def read_key(spelling: bytes) -> str:
    """Return the key that a link's path spells, under the same rules as a bucket."""
    return _read(spelling, MAX_KEY)


def _read(spelling: bytes, longest: int) -> str:
    octets = spelling
    if b"%" in spelling:
        if _WRONG_ESCAPE.search(spelling):
            raise Unsignable("segment")
        octets = unquote_to_bytes(spelling)
    if len(octets) > longest:
        raise Unsignable("segment")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Unsignable("segment") from None


def version22(identity: str) -> str:
    """Return the 22 characters that pin a version.

    `identity` is the store's version id, or else its strong ETag with the quotes.
    """
    digest = hashlib.sha256(identity.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def _octets(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Unsignable("segment") from None
