"""Calls: what a request to the storage routes asks for, told by method, path and query alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from gateway.dropin.queries import Query
from gateway.supabase.oracle import How
from signing import storage
from signing.addresses import check_bucket, check_key
from signing.errors import Unsignable
from signing.storage import Route

PREFIX: Final = f"{storage.PREFIX}/".encode()
ROUTES: Final = frozenset(b"sign public authenticated info upload list list-v2 copy move".split())
"""What stands where a bare route has its bucket."""
_WORDS = ROUTES | frozenset(b"object render image bucket cdn s3".split())


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket and a key that links may name, decoded once; an empty key is all of a bucket."""

    bucket: str = field(repr=False)
    key: str = field(repr=False)


class _Addressed:
    """A call about an address."""

    __slots__ = ()
    address: Address

    @property
    def bucket(self) -> str:
        return self.address.bucket


@dataclass(frozen=True, slots=True)
class Signed(_Addressed):
    """A GET or HEAD with a token of ours, for the original or for a rendition."""

    route: Route
    address: Address
    query: Query


@dataclass(frozen=True, slots=True)
class Read(_Addressed):
    """A GET or HEAD that Supabase decides about; `render` asks for a rendition."""

    how: How
    render: bool
    address: Address
    query: Query


@dataclass(frozen=True, slots=True)
class Sign(_Addressed):
    """A POST that asks for signed URLs: of one document, or of many of a bucket."""

    address: Address


@dataclass(frozen=True, slots=True)
class Passed:
    """Anything else goes on to Supabase; `public` answers are nobody's own.

    `bucket` is the one that the path names, decoded; empty when it names none.
    """

    public: bool = False
    bucket: str = field(default="", repr=False)


Call: TypeAlias = Signed | Read | Sign | Passed


def call_of(method: str, raw_path: bytes, query_string: bytes) -> Call:
    """What is asked for; an address that no link may name is Supabase's alone.

    Paths are decoded once, as clients of these routes spell them as they please.
    """
    segments = _segments(raw_path)
    if method in ("GET", "HEAD"):
        passed = Passed(_public(segments), _bucket(segments))
        return _got(segments, query_string) or passed
    passed = Passed(bucket=_bucket(segments))
    if method == "POST" and segments[:2] == [b"object", b"sign"]:
        address = _address(segments[2:], whole=True)
        return Sign(address) if address else passed
    return passed


def _segments(raw_path: bytes) -> list[bytes]:
    """What is below the prefix: a route's words decoded, names as they came.

    The storage server's router decodes before it chooses, so `%73ign` is its `sign`.
    """
    segments = raw_path.removeprefix(PREFIX).split(b"/")
    for place, segment in enumerate(segments[:3]):
        if b"%" in segment and (word := unquote_to_bytes(segment)) in _WORDS:
            segments[place] = word
    return segments


def _got(segments: list[bytes], query_string: bytes) -> Call | None:
    match segments:
        case [b"object", b"sign", *names]:
            return _signed("object", names, query_string)
        case [b"render", b"image", b"sign", *names]:
            return _signed("render", names, query_string)
        case [b"object", b"public", *names]:
            return _read("public", False, names, query_string)
        case [b"object", b"authenticated", *names]:
            return _read("authenticated", False, names, query_string)
        case [b"object", bucket, *names] if bucket not in ROUTES:
            return _read("bare", False, [bucket, *names], query_string)
        case [b"render", b"image", b"public", *names]:
            return _read("public", True, names, query_string)
        case [b"render", b"image", b"authenticated", *names]:
            return _read("authenticated", True, names, query_string)
        case _:
            return None


def _signed(route: Route, names: list[bytes], query_string: bytes) -> Signed | None:
    query = Query.parse(query_string)
    address = _address(names)
    # A token that begins "1." is ours, also where nothing can be below it: never sent on.
    return Signed(route, address or Address("", ""), query) if query.ours else None


def _read(how: How, render: bool, names: list[bytes], query_string: bytes) -> Read | None:
    address = _address(names)
    return Read(how, render, address, Query.parse(query_string)) if address else None


def _address(names: list[bytes], *, whole: bool = False) -> Address | None:
    """Bucket and key below a route; with `whole` the bucket alone will do."""
    try:
        bucket, *rest = (unquote_to_bytes(name).decode() for name in names)
        check_bucket(bucket)
        if whole and not any(rest):
            return Address(bucket, "")
        key = "/".join(rest)
        check_key(key)
    except (ValueError, Unsignable):
        return None
    return Address(bucket, key)


def _bucket(segments: list[bytes]) -> str:
    """The bucket that a path names, as the storage server's own routes read it."""
    match segments:
        case [b"object", b"info", b"public" | b"authenticated" | b"sign", name, *_]:
            pass
        case [b"object", b"upload", b"sign", name, *_] | [b"render", b"image", _, name, *_]:
            pass
        case [b"object", word, name, *_] if word in ROUTES:
            pass
        case [b"object" | b"s3" | b"cdn" | b"bucket", name, *_]:
            pass
        case _:
            return ""
    return unquote_to_bytes(name).decode(errors="replace")


def _public(segments: list[bytes]) -> bool:
    return segments[:2] in ([b"object", b"public"], [b"render", b"image"]) and (
        b"public" in segments[1:3]
    )
