"""Scoping: what an operator's call is about, and which zones the operator has to reach for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gateway.auth import Operator
from gateway.documents import DocumentRef, Zone
from gateway.errors import RequestRefused
from gateway.issuing.issue import Wanted

Name = Annotated[str, StringConstraints(max_length=4_096)]
_WHOLE: Final = "{whole} means all of it: leave out {whole}, or {part}"
_HOW: Final = frozenset({"zone", "bucket", "soft", "dry_run", "reason"})


class Scopes(BaseModel):
    """What a purge or a revocation is about; a bucket's name alone tells its zone.

    `prefix` is a declared "bucket/prefix/". A zone or bucket means all of it, so nothing else is
    named beside it: whoever writes both may mean only where the lesser thing is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    prefix: Name = ""
    documents: Annotated[list[Wanted], Field(max_length=1_000)] = []
    bucket: Name = ""
    zone: Name = ""

    @model_validator(mode="after")
    def _whole_or_part(self) -> Self:
        beside = sorted(name for name in self.model_fields_set - _HOW if getattr(self, name))
        if beside and (self.bucket or self.zone):
            whole = "bucket" if self.bucket else "zone"
            named = {"whole": whole, "part": beside[0]}
            raise PydanticCustomError("whole", _WHOLE, named)
        return self


@dataclass(frozen=True, slots=True)
class Scoping:
    """Knows the zones of what calls name."""

    zones: Mapping[str, Zone]

    def ref(self, wanted: Wanted) -> DocumentRef:
        """The document that is named. Raises `RequestRefused` (422) for a bucket of no zone."""
        zone = wanted.zone or self.owner(wanted.bucket)
        return DocumentRef(zone, wanted.bucket, wanted.key)

    def zone_of(self, call: Scopes) -> str:
        """The zone that is named, or that of the bucket; empty for neither."""
        return call.zone or (self.owner(call.bucket) if call.bucket else "")

    def owner_of_prefix(self, call: Scopes) -> str:
        """The zone of the prefix that is named."""
        return self.owner(call.prefix.partition("/")[0])

    def owner(self, bucket: str) -> str:
        """The zone of a bucket; bucket names are unique in a process."""
        for zone in self.zones.values():
            if bucket in zone.buckets:
                return zone.name
        raise RequestRefused(422, "unknown-scope", "No zone has this bucket.")

    def need(
        self,
        operator: Operator,
        scope: str,
        call: Scopes,
        *,
        every: bool,
        others: Iterable[str] = (),
    ) -> None:
        """Each zone that is touched, `others` too; `every` when what is named may touch any.

        Raises `NotAuthorised` (403).
        """
        touched = {self.ref(document).zone for document in call.documents} | set(others)
        if zone := self.zone_of(call):
            touched.add(zone)
        if call.prefix:
            touched.add(self.owner_of_prefix(call))
        for name in touched:
            operator.need(scope, name)
        if every:
            operator.need(scope)
