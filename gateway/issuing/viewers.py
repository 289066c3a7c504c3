"""Viewers: users of the Supabase project who ask for links of their own (`POST /v1/links`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.admissions import Admissions
from gateway.auth import NEEDED, Operator
from gateway.documents import DocumentRef
from gateway.errors import (
    DocumentNotFound,
    GatewayError,
    NotAuthorised,
    UpstreamRefused,
)
from gateway.issuing.issue import Issued, Issuer, LinksCall, Refused, Wanted
from gateway.supabase.callers import Caller
from gateway.supabase.messages import SignMany
from gateway.supabase.oracle import Oracle
from signing.errors import SigningError

# How long the URLs are to live that Supabase makes on the way to its yes, and nobody is given.
_BRIEF = 1
_SCOPES = frozenset({"links"})


class Viewing(Protocol):
    """Issues links to somebody who is no operator."""

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller: ...

    async def issue(
        self, call: LinksCall, caller: Caller, origin: str, now: int
    ) -> Sequence[Issued | Refused]: ...

    async def check(self, ref: DocumentRef, caller: Caller) -> None: ...


class NoViewers:
    """For a gateway without a Supabase project: only operators get links."""

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller:
        """Nobody is known."""
        raise NotAuthorised(NEEDED)

    async def issue(
        self, call: LinksCall, caller: Caller, origin: str, now: int
    ) -> Sequence[Issued | Refused]:
        """Nothing is theirs."""
        return [Refused(wanted, DocumentNotFound()) for wanted in call.documents]

    async def check(self, ref: DocumentRef, caller: Caller) -> None:
        """Nothing is there for them."""
        raise DocumentNotFound


class Viewers:
    """Issues links for what the project's row level security lets a user sign.

    `zones` tells the zone of each bucket of the project; no other bucket is theirs to ask for.
    """

    def __init__(
        self,
        admissions: Admissions,
        oracle: Oracle,
        issuer: Issuer,
        zones: Mapping[str, str],
    ) -> None:
        self._admissions = admissions
        self._oracle = oracle
        self._issuer = issuer
        self._zones = zones

    async def caller(self, authorization: bytes, apikey: bytes) -> Caller:
        """Who asks. Raises `NotAuthorised` without a token, `CallerRefused`, `ViewerRefused`."""
        if not authorization:
            raise NotAuthorised("A token is needed: Authorization: Bearer <token>.")
        return await self._admissions.caller(authorization, apikey)

    async def issue(
        self, call: LinksCall, caller: Caller, origin: str, now: int
    ) -> Sequence[Issued | Refused]:
        """One answer per document, in order: one question to Supabase for each bucket.

        Links that a caller asks for are for everybody, or bound to the caller and nobody else.
        Raises `NotAuthorised` for any other audience, `UpstreamUnavailable` and what issuing
        raises.
        """
        if call.audience not in (None, caller.subject):
            raise NotAuthorised("Your links can be bound to you and nobody else.", known=True)
        errors = await self._admissions.still(caller, self._errors(caller, call.documents))
        allowed = [
            wanted for wanted, error in zip(call.documents, errors, strict=True) if error is None
        ]
        # Judged again once they are in the ledger: a receipt for a viewer lists all there are.
        given = self._issued(call, allowed, caller, origin, now)
        issued = iter(await self._admissions.still(caller, given))
        return [
            next(issued) if error is None else Refused(wanted, error)
            for wanted, error in zip(call.documents, errors, strict=True)
        ]

    async def check(self, ref: DocumentRef, caller: Caller) -> None:
        """Whether Supabase would let the caller sign it; raises what it says if not.

        Raises `DocumentNotFound`, `UpstreamRefused` and `UpstreamUnavailable`.
        """
        wanted = Wanted(zone=ref.zone, bucket=ref.bucket, key=ref.key)
        [error] = await self._admissions.still(caller, self._errors(caller, [wanted]))
        if error is not None:
            raise error

    async def _issued(
        self, call: LinksCall, allowed: list[Wanted], caller: Caller, origin: str, now: int
    ) -> list[Issued | Refused]:
        if not allowed:
            return []
        mine = call.model_copy(update={"documents": allowed})
        return await self._issuer.issue(mine, Operator(caller.actor, _SCOPES), origin, now)

    async def _errors(
        self, caller: Caller, documents: Sequence[Wanted]
    ) -> list[GatewayError | SigningError | None]:
        """Why each is refused, in order; None for what Supabase allows."""
        buckets = {wanted.bucket for wanted in documents if self._ours(wanted)}
        asked = {
            bucket: list(dict.fromkeys(one.key for one in documents if one.bucket == bucket))
            for bucket in buckets
        }
        told = await asyncio.gather(
            *(self._of_bucket(caller, bucket, keys) for bucket, keys in asked.items())
        )
        found = dict(zip(asked, told, strict=True))
        return [
            found[wanted.bucket][wanted.key] if self._ours(wanted) else DocumentNotFound()
            for wanted in documents
        ]

    def _ours(self, wanted: Wanted) -> bool:
        zone = self._zones.get(wanted.bucket)
        return zone is not None and wanted.zone in ("", zone)

    async def _of_bucket(
        self, caller: Caller, bucket: str, keys: Sequence[str]
    ) -> dict[str, GatewayError | SigningError | None]:
        body = SignMany(_BRIEF, tuple(keys))
        try:
            sights = await self._oracle.sign_many(caller, bucket, keys, body)
        except (UpstreamRefused, SigningError) as error:
            return dict.fromkeys(keys, error)
        return {sight.key: None if sight.allowed else DocumentNotFound() for sight in sights}
