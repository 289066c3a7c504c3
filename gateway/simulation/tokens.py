"""Tokens: what the credential in a logged URL says of itself. Nothing is verified here."""

from __future__ import annotations

import re
from binascii import a2b_base64
from math import inf
from typing import NamedTuple

from gateway.simulation.entries import moment

# Shorter ones are marks that a log writes in the place of a token.
SHORTEST = 16

_OURS = re.compile(r"1\.[a-z0-9]{1,8}\.([1-9][0-9]{9})\.")
_ENDS = re.compile(rb'"exp"\s*:\s*([1-9][0-9]{8,10})\b')
_TRANSFORMS = b'"transformations"'
_TRANSFORMED = re.compile(rb'"(?:transformations|format)"\s*:\s*"([^"]{1,256})"')


class Claims(NamedTuple):
    """When the token ends, in Unix seconds, and which rendition it fixes, in its own words."""

    expires_at: float = inf
    variant: str = ""


SILENT = Claims()


def claims(token: str) -> Claims:
    """What a token tells without its key: ours, or a JWT such as Supabase signs."""
    parts = token.split(".")
    if len(parts) != 3:
        return Claims(float(found[1])) if (found := _OURS.match(token)) else SILENT
    try:
        body = a2b_base64(parts[1].replace("-", "+").replace("_", "/") + "==")
    except ValueError:
        return SILENT
    ends = _ENDS.search(body)
    transformed = _TRANSFORMED.findall(body) if _TRANSFORMS in body else []
    variant = b",".join(transformed).decode("ascii", "replace")
    return Claims(float(ends[1]) if ends else inf, variant)


def ends(fields: dict[str, str]) -> float:
    """When a URL ends whose query says so: CloudFront's and S3's presigned ones."""
    try:
        if "x-amz-date" in fields:
            return moment(fields["x-amz-date"]) + int(fields["x-amz-expires"])
        return float(int(fields["expires"]))
    except (ValueError, KeyError, OverflowError):
        return inf
