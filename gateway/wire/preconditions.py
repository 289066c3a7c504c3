"""Preconditions: what a request makes its answer depend on (RFC 9110 §8.8 and §13).

Pure functions over field values as bytes. A field that came several times is given joined by
", "; a field that did not come is `None`, which is not the same as an empty one.
"""

from __future__ import annotations

import enum
import re
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from time import gmtime

_OPAQUE = rb'"[\x21\x23-\x7e\x80-\xff]*"'
_STRONG = re.compile(_OPAQUE)
_MEMBER = re.compile(rb"(?:W/)?" + _OPAQUE)
# §5.6.1.2: a list may hold empty members; each entity tag ends with a comma or the field.
_LIST = re.compile(rb"[ \t,]*(?:(?:W/)?" + _OPAQUE + rb"[ \t]*(?:,[ \t,]*|\Z))+")

_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTH = rb"(?P<month>" + b"|".join(_MONTHS) + rb")"
_DAY_NAME = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY_NAME = rb"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_TIME = rb"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"
# §5.6.7: the form to send, and the two obsolete ones that must still be read.
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        _DAY_NAME + rb", (?P<day>\d\d) " + _MONTH + rb" (?P<year>\d{4}) " + _TIME + rb" GMT",
        _LONG_DAY_NAME + rb", (?P<day>\d\d)-" + _MONTH + rb"-(?P<year>\d\d) " + _TIME + rb" GMT",
        _DAY_NAME + rb" " + _MONTH + rb" (?P<day>\d\d| \d) " + _TIME + rb" (?P<year>\d{4})",
    )
)


class Verdict(enum.Enum):
    """What the preconditions decide: go on, 304 (Not Modified) or 412 (Precondition Failed)."""

    PROCEED = enum.auto()
    NOT_MODIFIED = enum.auto()
    FAILED = enum.auto()


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The conditional fields of one request, as they came (RFC 9110 §13.1)."""

    if_match: bytes | None = None
    if_none_match: bytes | None = None
    if_unmodified_since: bytes | None = None
    if_modified_since: bytes | None = None
    if_range: bytes | None = None


UNCONDITIONAL = Preconditions()


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of the selected representation (RFC 9110 §8.8).

    `etag` is strong and has its quotes; `modified_at` is in Unix seconds. Raises `ValueError`
    for an entity tag that is weak or not one at all: it would be sent, and compared, as strong.
    """

    etag: bytes
    modified_at: int

    def __post_init__(self) -> None:
        if _STRONG.fullmatch(self.etag) is None:
            raise ValueError("not a strong entity tag")


def evaluate(method: str, preconditions: Preconditions, validators: Validators) -> Verdict:
    """Evaluate all but If-Range, in the order of RFC 9110 §13.2.2, for a document that exists."""
    if not _may_go_on(preconditions, validators):
        return Verdict.FAILED
    if not _is_unmodified(method, preconditions, validators):
        return Verdict.PROCEED
    return Verdict.NOT_MODIFIED if method in ("GET", "HEAD") else Verdict.FAILED


def range_applies(preconditions: Preconditions, validators: Validators) -> bool:
    """Whether Range is to be looked at: If-Range is absent or names this representation (§13.1.5).

    A date counts when it is exactly the Last-Modified. Whether it is strong (§8.8.2.2) only the
    client can know, by the Date beside its copy, and it may send no weak one (§13.1.5): the
    origin's clock at the second request proves nothing about the first.
    """
    field = preconditions.if_range
    if field is None or field == validators.etag:
        return True
    return parse_date(field, validators.modified_at) == validators.modified_at


def parse_date(field: bytes, near: int) -> int | None:
    """Read an HTTP-date of any of the three forms as Unix seconds; None when it is none of them.

    A year of two digits is never more than 50 years after `near` (RFC 9110 §5.6.7 says: after
    now). With the document's own time for `near` the answer depends on no clock, and a year
    taken too early only makes the document count as changed.
    """
    text = field.strip(b" \t")
    match = next((found for form in _DATES if (found := form.fullmatch(text))), None)
    if match is None:
        return None
    year, month = int(match["year"]), _MONTHS.index(match["month"]) + 1
    if len(match["year"]) == 2:
        year = _full_year(year, near)
    try:
        day = date(year, month, int(match["day"]))
    except ValueError:
        return None
    clock = (int(match["hour"]), int(match["minute"]), int(match["second"]))
    return timegm((*day.timetuple()[:3], *clock))


def _may_go_on(preconditions: Preconditions, validators: Validators) -> bool:
    """Steps 1 and 2: If-Match, and without it If-Unmodified-Since."""
    if preconditions.if_match is not None:
        return _names(preconditions.if_match, validators.etag, weak=False)
    if preconditions.if_unmodified_since is None:
        return True
    return not _changed_since(preconditions.if_unmodified_since, validators, invalid=False)


def _is_unmodified(method: str, preconditions: Preconditions, validators: Validators) -> bool:
    """Steps 3 and 4: If-None-Match, and without it, for GET and HEAD, If-Modified-Since."""
    if preconditions.if_none_match is not None:
        return _names(preconditions.if_none_match, validators.etag, weak=True)
    if preconditions.if_modified_since is None or method not in ("GET", "HEAD"):
        return False
    return not _changed_since(preconditions.if_modified_since, validators, invalid=True)


def _changed_since(field: bytes, validators: Validators, *, invalid: bool) -> bool:
    """Whether the document changed after the date; `invalid` is the answer to no valid date."""
    since = parse_date(field, validators.modified_at)
    return invalid if since is None else validators.modified_at > since


def _names(field: bytes, etag: bytes, *, weak: bool) -> bool:
    """Whether "*" or a list of entity tags names this one. A malformed list names nothing."""
    if field == etag:
        return True
    return field.strip(b" \t") == b"*" or any(
        tag == etag or (weak and tag.removeprefix(b"W/") == etag) for tag in _tags(field)
    )


def _tags(field: bytes) -> Iterator[bytes]:
    if _LIST.fullmatch(field):
        yield from _MEMBER.findall(field)


def _full_year(digits: int, near: int) -> int:
    """The latest year with these two last digits that is at most 50 years after `near`."""
    latest = gmtime(near).tm_year + 50
    return latest - (latest - digits) % 100
