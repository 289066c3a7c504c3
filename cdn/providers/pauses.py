"""Pauses: what a CDN asks for in Retry-After, as seconds or as a date (RFC 9110 section 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 3_600.0
"""The longest that anybody may ask for, in seconds: what says more is a mistake or an attack."""

# The RFC knows whole seconds only; some vendors say parts of them.
_SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


def pause_of(fields: Mapping[str, str]) -> float | None:
    """The pause that an answer's fields ask for, 0 to `LONGEST` seconds; None when they do not.

    A date is counted from the answer's own Date, so that no clock but the CDN's matters; without
    one nobody knows how far away it is.
    """
    told = fields.get("retry-after", "").strip()
    if _SECONDS.fullmatch(told):
        return min(float(told), LONGEST)
    then, now = _date(told), _date(fields.get("date", ""))
    if then is None or now is None:
        return None
    return min(max((then - now).total_seconds(), 0.0), LONGEST)


def _date(text: str) -> datetime | None:
    """An HTTP-date in any of its three forms (section 5.6.7); None for anything else."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # All of them are GMT, and one of them does not say so.
    return found if found.tzinfo else found.replace(tzinfo=UTC)
