"""Addresses: which document a logged URL opens, in which form, and what lets its bearer in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Literal, NamedTuple, TypeAlias

from gateway.simulation.tokens import SHORTEST, claims, ends

Access: TypeAlias = Literal["link", "user", "public"]

_STORAGE = re.compile(
    r"/storage/v1/(object|render/image)/(?:(sign|public|authenticated)/)?([^/]+/.+)"
)
_APIS = re.compile(r"/(?:auth|rest|realtime|functions|graphql|pg|storage)/v1(?:/|$)")
_NO_READS = frozenset({"list", "list-v2", "info", "upload", "copy", "move"})
_ORIGIN = re.compile(r"https?://[^/?#]*", re.I)
_CREDENTIALS = frozenset(
    {
        *("token", "t", "sig", "signature", "policy", "key-pair-id", "expires", "cachenonce"),
        *("hdnts", "hdnea", "md5", "e", "st", "exp", "verify", "awsaccesskeyid"),
    }
)
_PROOFS = ("token", "t", "x-amz-signature", "signature", "sig", "hdnts", "hdnea", "md5", "verify")
_ACCESS: dict[str, Access] = {"sign": "link", "public": "public", "authenticated": "user"}


class Address(NamedTuple):
    """A document, one form of it, and the credential that the URL shows.

    `family` is one text for all forms of a document; `token` is empty where the log shows none;
    `expires_at` is when the URL ends, infinite where it does not say.
    """

    family: str
    variant: str
    access: Access
    token: str
    expires_at: float


class _Place(NamedTuple):
    """What the path of a storage route says; `kind` is empty where it opens no document."""

    kind: str
    family: str
    access: Access


class _Query(NamedTuple):
    """What of a query makes another document, and what only lets in."""

    variant: str
    token: str
    credentials: dict[str, str]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs that open documents: storage routes, ours, and those with a credential.

    With `prefixes`, of the last only those below one of them; there a URL counts without a
    credential too, since a cookie or a field may let in.
    """

    prefixes: tuple[str, ...] = ()

    def address(self, target: str) -> Address | None:
        """Which document a target opens; None for what is no document."""
        if not target.startswith("/"):
            target = _ORIGIN.sub("", target, count=1)
        path, _, query = target.partition("?")
        if path.startswith("/storage/v1/") and (place := _place(path)):
            return _stored(place, query)
        if path.startswith("/d/") and path.count("/") >= 5:
            return _ours(path, query)
        read = _query(query)
        below = path.startswith(self.prefixes) if self.prefixes else bool(read.token)
        if not below or (_APIS.match(path) and "x-amz-signature" not in read.credentials):
            return None
        return _signed(path, read)


@lru_cache(maxsize=16_384)
def _place(path: str) -> _Place | None:
    """The document of a storage route, remembered since most are read often."""
    found = _STORAGE.match(path)
    if found is None:
        return None
    kind, route, name = found.groups()
    if not route and (kind != "object" or name.partition("/")[0] in _NO_READS):
        kind = ""
    family = f"/d/storage/{name.replace('/', '/-/', 1)}"
    return _Place(kind, family, _ACCESS.get(route or "", "user"))


def _stored(place: _Place, query: str) -> Address | None:
    kind, family, access = place
    if not kind:
        return None
    variant, token, _ = _query(query)
    if access != "link":
        return Address(family, f"{kind}?{variant}", access, "", inf)
    expires_at, transformed = claims(token)
    return Address(family, f"{kind}?{variant}{transformed}", "link", token, expires_at)


def _ours(path: str, query: str) -> Address:
    rendition, _, scope = path[3:].partition("/")
    token = _query(query).token
    return Address(f"/d/{scope}", rendition, "link", token, claims(token).expires_at)


def _signed(path: str, read: _Query) -> Address:
    if not read.credentials:
        return Address(path, read.variant, "user", "", inf)
    ending = min(ends(read.credentials), claims(read.token).expires_at)
    return Address(path, read.variant, "link", read.token, ending)


def _query(query: str) -> _Query:
    """A query taken apart. Credentials stand for the whole of it where they are long enough."""
    name, _, value = query.partition("=")
    if name in _PROOFS and len(value) >= SHORTEST and "&" not in value:
        return _Query("", value, {name: value})
    credentials: dict[str, str] = {}
    others: list[str] = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = name.lower()
        if name in _CREDENTIALS or name.startswith("x-amz-"):
            credentials[name] = value
        elif pair:
            others.append(pair)
    variant = "&".join(sorted(others)) if others else ""
    for name in _PROOFS:
        if len(credentials.get(name, "")) >= SHORTEST:
            return _Query(variant, credentials[name], credentials)
    return _Query(variant, "", credentials)
