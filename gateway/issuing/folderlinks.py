"""Links of folders: one token for all that lies below, given once the ledger holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cdn.tags import document_id
from gateway.auth import Operator
from gateway.documents import Zone
from gateway.errors import DocumentNotFound, GatewayError, ResidencyRefused
from gateway.issuing.terms import Terms, Text
from gateway.rules import Rules
from gateway.state.ledger import IssueRow, Ledger
from imaging.errors import ImagingError
from signing.errors import SigningError
from signing.folders import Folder, FolderRequest
from signing.targets import LIVE

MOST = 1_000


class WantedFolder(BaseModel):
    """One folder a link is wanted for; without `zone` in that of its bucket.

    A slash at its end is the same folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    bucket: Text
    folder: Text
    zone: Text = ""


class FoldersCall(Terms):
    """The body of `POST /v1/folders`: folders, and what their links shall grant."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    folders: Annotated[list[WantedFolder], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True, slots=True)
class Given:
    """A folder link given out; `base` is scheme and host of what it opens."""

    folder: Folder
    base: str
    renew_at: int


@dataclass(frozen=True, slots=True)
class Withheld:
    """A folder no link is given for, and why."""

    wanted: WantedFolder
    error: GatewayError | SigningError | ImagingError


class FolderIssuer:
    """Issues folder links, to operators: nobody's policies speak of folders."""

    def __init__(self, rules: Rules, ledger: Ledger) -> None:
        self._rules = rules
        self._ledger = ledger
        self._homes = {
            bucket: zone.name for zone in rules.zones.values() for bucket in zone.buckets
        }

    async def issue(
        self, call: FoldersCall, operator: Operator, origin: str, now: int
    ) -> list[Given | Withheld]:
        """One answer per folder, in order; every link in it is in the ledger.

        Whether anything lies in a folder is not asked. Raises `StateUnavailable`.
        """
        self._rules.revocations.fresh()
        answers: list[Given | Withheld] = []
        for wanted in call.folders:
            try:
                answers.append(self._one(wanted, call, operator, origin, now))
            except (GatewayError, SigningError, ImagingError) as error:
                answers.append(Withheld(wanted, error))
        given = [answer.folder for answer in answers if isinstance(answer, Given)]
        audience = call.audience or ""
        await self._ledger.record_issue(
            [_row(folder, operator.id, now, audience) for folder in given]
        )
        return answers

    def _one(
        self, wanted: WantedFolder, call: FoldersCall, operator: Operator, origin: str, now: int
    ) -> Given:
        name = wanted.zone or self._homes.get(wanted.bucket, "")
        operator.need("links", name)
        zone = self._rules.zones.get(name)
        if zone is None or wanted.bucket not in zone.buckets:
            raise DocumentNotFound
        if not self._rules.residency.admits(zone):
            raise ResidencyRefused
        call.check(self._rules)
        folder = self._rules.signer.issue_folder(self._request(wanted, zone, call), now)
        life = min(call.expires_in or 2 * zone.window, zone.longest_life)
        return Given(folder, zone.public_url or origin, folder.expires_at - life // 5)

    def _request(self, wanted: WantedFolder, zone: Zone, call: FoldersCall) -> FolderRequest:
        folder = wanted.folder.removesuffix("/")
        return FolderRequest(
            zone=zone.name,
            bucket=wanted.bucket,
            folder=folder,
            grant=call.granted(),
            generation=self._rules.revocations.generation(zone, wanted.bucket, f"{folder}/"),
            expires_in=call.expires_in,
            audience=call.audience or "",
            returns=self._rules.revocations.returns(call.audience or ""),
        )


def _row(folder: Folder, actor: str, now: int, audience: str) -> IssueRow:
    """The ledger knows a folder by the slash at the end of its key."""
    return IssueRow(
        link_id=folder.id,
        actor=actor,
        zone=folder.zone,
        bucket=folder.bucket,
        key=folder.folder,
        document_id=document_id(folder.zone, folder.bucket, folder.folder),
        grant=folder.grant.text,
        version=LIVE,
        generation=folder.generation,
        kid=folder.kid,
        expires_at=folder.expires_at,
        issued_at=now,
        audience=audience,
    )
