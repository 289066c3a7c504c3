"""Peers: who is at the other end of a TLS connection, by the certificate that it proved."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, cast

EXTENSION: Final = "ostiary.peer"
"""Where a request's scope has the names of its peer; absent where nothing was proved."""

FINGERPRINT: Final = "sha256:"
NOBODY: Final[frozenset[str]] = frozenset()

_NOTHING: Final[Mapping[str, Any]] = {}


def peer_of(scope: Mapping[str, Any]) -> frozenset[str]:
    """What the peer of a request is called; nothing, if it proved nothing."""
    extensions: Mapping[str, Any] = scope.get("extensions") or _NOTHING
    return cast(frozenset[str], extensions.get(EXTENSION, NOBODY))


def names_of(tls: ssl.SSLObject | None, now: float) -> frozenset[str]:
    """What the peer's verified certificate is called, in lower case; nothing without one.

    Its alternative names, or without any of them its common names (RFC 6125 section 6.4.4), and
    `sha256:` with the hex digest of the certificate itself. One that has ended at `now`, in Unix
    seconds, proves nothing: who resumes a session is not verified again.
    """
    certificate = tls.getpeercert(binary_form=True) if tls else None
    if tls is None or not certificate:
        return NOBODY
    told = cast(Mapping[str, Any], tls.getpeercert() or {})
    if ssl.cert_time_to_seconds(told["notAfter"]) < now:
        return NOBODY
    alternative = (value for _, value in told.get("subjectAltName", ()))
    # A directory name is no text, and no name of a host.
    names = [value for value in alternative if isinstance(value, str)] or [
        value
        for attributes in told.get("subject", ())
        for kind, value in attributes
        if kind == "commonName"
    ]
    fingerprint = FINGERPRINT + sha256(certificate).hexdigest()
    return frozenset((fingerprint, *(name.lower() for name in names)))
