"""The formats of access logs, and which one a log is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from gateway.simulation.entries import Entry
from gateway.simulation.formats.cloudflare import Cloudflare
from gateway.simulation.formats.cloudfront import CloudFront
from gateway.simulation.formats.nginx import Nginx
from gateway.simulation.formats.supabase import Supabase


class LogFormat(Protocol):
    """Reads the lines of one log, in their order.

    `heading` is how a line begins that tells how those below it are to be read, if there are such.
    """

    heading: ClassVar[str]

    def entry(self, line: str) -> Entry | None:
        """The request of a line, None for a line that never holds one, such as a heading.

        Raises `ValueError`, `LookupError` or `TypeError` for a line that is not in this format.
        """
        ...


BROKEN = (ValueError, LookupError, TypeError)

FORMATS: Mapping[str, type[LogFormat]] = {
    "supabase": Supabase,
    "cloudflare": Cloudflare,
    "cloudfront": CloudFront,
    "nginx": Nginx,
}


def recognised(lines: Iterable[str]) -> str:
    """The name of the first format that reads a request from one of the lines, or nothing."""
    first = list(lines)
    return next((name for name, made in FORMATS.items() if _reads(made(), first)), "")


def _reads(format: LogFormat, lines: Iterable[str]) -> bool:
    for line in lines:
        try:
            if format.entry(line) is not None:
                return True
        except BROKEN:
            continue
    return False
