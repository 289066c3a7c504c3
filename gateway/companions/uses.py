"""One-time links: the first answer is the only one, but for the rest of the same document.

Whoever is answered gets a cookie, with which requests for ranges go on for a minute: a viewer of
PDF or a player asks for the beginning first. A use that was written down is never taken back, not
when its answer breaks off either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.companions.cookies import Cookie
from gateway.errors import LinkUsed, RequestRefused
from gateway.state.uses import Uses
from gateway.wire.asgi import Field
from signing.claims import LASTS
from signing.desks import CLOCK_SKEW
from signing.links import Link, Signer

PART: Final = 206
SENT: Final = (200, PART)
"""The answers that use a link up."""

# Browsers pass over an attribute that is longer (RFC 6265bis section 5.6).
_LONGEST_PATH = 1_024
_OWN_SITE = (b"same-origin", b"same-site", b"none")


class OneTime:
    """Lets one-time links be used once."""

    def __init__(self, signer: Signer, uses: Uses) -> None:
        self._signer = signer
        self._uses = uses

    def admit(self, link: Link, method: str, fields: Mapping[bytes, bytes], now: int) -> bool:
        """Whether the request goes on with a use that was made before, by parts alone.

        Raises `RequestRefused` (405) for HEAD, which shows what it would not use up, `LinkUsed`,
        and `StateUnavailable`.
        """
        if method != "GET":
            raise RequestRefused(
                405,
                "method.not-allowed",
                "A link that is good once answers GET alone.",
                fields=((b"allow", b"GET, OPTIONS"),),
            )
        if not self._uses.used(link.zone, link.one_time):
            return False
        if b"range" in fields and self._holds(link, fields.get(b"cookie", b""), now):
            return True
        raise LinkUsed

    async def use(self, link: Link, fields: Mapping[bytes, bytes], now: int) -> Field:
        """Write down that the link is used; the field that lets its user go on.

        Raises `LinkUsed` when somebody was faster, and `StateUnavailable`.
        """
        until = link.expires_at + CLOCK_SKEW
        if not await self._uses.use(link.zone, link.one_time, until, now):
            raise LinkUsed
        own = fields.get(b"sec-fetch-site", b"none") in _OWN_SITE
        # A page that is opened is of our own site, wherever the link to it stood.
        opened = fields.get(b"sec-fetch-dest") == b"document"
        ticket = self._signer.ticket(link, now)
        return _cookie(link).put(ticket, LASTS, embedded=not (own or opened))

    def _holds(self, link: Link, sent: bytes, now: int) -> bool:
        tickets = _cookie(link).values(sent)
        return any(self._signer.admits(link, text.encode("latin-1"), now) for text in tickets)


def _cookie(link: Link) -> Cookie:
    """Its name is the link's own, so that cookies of others neither hide nor replace it."""
    return Cookie(f"__Secure-ostiary-once-{link.one_time}", path_of(link.target))


def path_of(target: str) -> str:
    """The narrowest path of a cookie for that target alone.

    A semicolon, which a path may hold, would end the attribute: then it is the folder before.
    """
    path = target.partition("?")[0]
    if ";" in path:
        path = path[: path.index(";")].rpartition("/")[0] + "/"
    return path if len(path) <= _LONGEST_PATH else "/d/"
