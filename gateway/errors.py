"""What can go wrong in the gateway, as values with facts in them.

    GatewayError
    ├── DocumentNotFound        no such document, bucket not of the zone, page past the end
    ├── DocumentBroken          the bytes are there, but are not what they should be
    ├── DocumentChanged         another version took the place of the one that was asked for
    ├── StoreUnavailable        the store does not answer, or not in time
    ├── StateUnavailable        the database is full, read-only, broken or locked for too long
    ├── Overloaded              a bounded queue or budget is full
    ├── ResidencyRefused        this region may not hold or serve the document
    ├── VersionSuperseded       a pinned link to a version that is no more
    ├── LinkUsed                a one-time link that somebody has used
    ├── PullerRefused           the zone is read by its CDNs alone, and this is none of them
    ├── RateLimited             one request too many of a client, with a link, or of an operator
    ├── RequestRefused          the request breaks a rule before any work (method, size, shape)
    ├── InvalidRequest          a storage call whose body or query is not of the right shape
    ├── UpstreamUnavailable     Supabase's storage server does not answer, or not sensibly
    ├── UpstreamRefused         it answered no; carries the answer
    ├── NotAuthorised           no operator's token, or one without the scope
    ├── ViewerRefused           a viewer who was revoked gets no new links
    ├── ViewerUnknown           a mark names the viewer, and nobody says who it is
    ├── CallerRefused           a Supabase user's token that does not hold; says in what
    ├── KeysUnavailable         the keys that such tokens are verified with can not be read
    └── ConfigurationError      `ostiary.toml` and its kin; carries every fault at once

An error carries facts and hints; only `gateway.problems` turns it into a status and a body.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast


class GatewayError(Exception):
    """Base of everything the gateway raises on purpose."""


class DocumentNotFound(GatewayError):
    """No such document, or none that this zone may name."""


class DocumentBroken(GatewayError):
    """The document's bytes can not become what was asked for.

    `reason` is a short code for the answer's body, never a path or a name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DocumentChanged(GatewayError):
    """The store now holds another version than the one being delivered."""


class StoreUnavailable(GatewayError):
    """The store did not answer, or not in time; `retry_after` is in seconds."""

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StateUnavailable(GatewayError):
    """The database can not be read or written now; nothing acknowledged is lost.

    `retry_after` is in seconds.
    """

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Overloaded(GatewayError):
    """A bounded queue or budget is full; `what` names it, `retry_after` is in seconds."""

    def __init__(self, what: str, *, retry_after: int = 2) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after = retry_after


class ResidencyRefused(GatewayError):
    """The zone's documents may not be served from this region; nothing was read."""


class LinkUsed(GatewayError):
    """The link was good once, and somebody has used it."""


class PullerRefused(GatewayError):
    """The zone's documents go to its CDNs alone, and nothing proves that this is one of them."""


class RateLimited(GatewayError):
    """One request too many of somebody; the limit `what` lets `quota` pass in `window` seconds.

    `retry_after` is in seconds.
    """

    def __init__(self, what: str, quota: int, window: int, *, retry_after: int) -> None:
        super().__init__(what)
        self.what = what
        self.quota = quota
        self.window = window
        self.retry_after = retry_after


class VersionSuperseded(GatewayError):
    """A pinned link names a version that the store no longer holds."""


class RequestRefused(GatewayError):
    """The request breaks a rule that needs no document to see.

    `status` is the HTTP status it deserves, `code` the problem's code, `detail` for its reader,
    `fields` what the answer must carry beside (Allow, Content-Range).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        fields: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.fields = fields


class InvalidRequest(GatewayError):
    """A storage call that Supabase's own server would refuse for its form.

    `message` is for the client and names parts of the schema, never a value; `code` is the
    server's name for the fault.
    """

    def __init__(self, message: str, *, code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer of Supabase's storage server.

    The names of `fields` are in lower case, and those of one connection or one coding are left
    out; `body` is decoded.
    """

    status: int
    fields: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    @property
    def said(self) -> Mapping[str, object]:
        """The JSON object in the body; empty when there is none."""
        try:
            said: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return cast(dict[str, object], said) if isinstance(said, dict) else {}

    @property
    def true_status(self) -> int:
        """The status that the body states (the server sends most as 400), else that of HTTP."""
        stated = str(self.said.get("statusCode", ""))
        return (
            int(stated)
            if len(stated) == 3 and stated.isascii() and stated.isdigit()
            else self.status
        )

    @property
    def missing(self) -> bool:
        """Whether it says that the object or bucket is not there, or not for this caller.

        A path that the server does not know (`Not Found`) is none of both.
        """
        return self.true_status == 404 and self.said.get("error") not in (None, "Not Found")

    @property
    def retry_after(self) -> int:
        """When it wants to be asked again, in seconds, an hour at most; 0 where it does not say."""
        stated = dict(self.fields).get(b"retry-after", b"")
        return min(int(stated), 3600) if len(stated) < 10 and stated.isdigit() else 0


class UpstreamUnavailable(GatewayError):
    """Supabase's storage server did not answer, or with what no decision can be read from.

    `retry_after` is in seconds.
    """

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UpstreamRefused(GatewayError):
    """Supabase's storage server said no; `answer` is what it said, for the caller alone."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class NotAuthorised(GatewayError):
    """No token, an unknown one (401), or one whose scopes or zones do not reach (403)."""

    def __init__(self, detail: str, *, known: bool = False) -> None:
        super().__init__(detail)
        self.known = known


class ViewerRefused(GatewayError):
    """The viewer who asks was revoked, and has not been reinstated since."""


class ViewerUnknown(GatewayError):
    """A mark names whoever looks, and nobody says who that is; nothing is shown without it."""


class CallerRefused(GatewayError):
    """A Supabase user's token does not hold; upstream was not asked.

    `reason` is "malformed", "signature", "expired", "not-yet" or "claims".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailable(GatewayError):
    """The keys that users' tokens are verified with can not be read; `retry_after` is in seconds.

    The detail says why for the log, never what was answered.
    """

    def __init__(self, detail: str = "", *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the configuration: where, what, and how to mend it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationError(GatewayError):
    """Every fault of the configuration at once, so that one start shows them all."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
