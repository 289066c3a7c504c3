"""Copies: what a cache without tags is told to forget, each by the MD5 of its cache key.

nginx names the file of a copy so. The digest is all that anybody keeps of the key: there is a
token in it, which can not be had back from 128 bits of a text with 192 bits of chance in it.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32decode, b32encode

_TAG = re.compile(r"u-[a-z2-7]{26}", re.ASCII)
_PADDING = "======"


def digest_of(key: bytes) -> bytes:
    """The 16 octets that stand for a cache key: path and query, as the cache asks for them."""
    return hashlib.md5(key, usedforsecurity=False).digest()


def copy_tag(digest: bytes) -> str:
    """The name of one copy among tags: "u-" and 26 letters of base 32 (RFC 4648 section 6)."""
    return f"u-{b32encode(digest).decode().rstrip('=').lower()}"


def copy_named(tag: str) -> bytes:
    """The digest of the copy that a tag names; empty for every other tag."""
    if not _TAG.fullmatch(tag):
        return b""
    return b32decode((tag[2:].upper() + _PADDING).encode())
