"""Events: what Supabase tells of changes in its three ways, as changes that mean the same.

The three are a database webhook on `storage.objects` and `storage.buckets`, the storage server's
own webhook, and the calls that it makes to a CDN's purge endpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.errors import RequestRefused
from signing.addresses import canonical_bucket, canonical_key
from signing.errors import Unsignable

Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Change:
    """One object changed, a whole bucket did (no `key`), or everything did (no `bucket` either).

    With `hard` copies have to go, as after a removal; else, as after an edit, they have to be asked
    about. `version` is Supabase's name of the new state and `at` its time in Unix seconds; "" and 0
    where that is not told. Raises ValueError for a key without its bucket.
    """

    bucket: str = ""
    key: str = ""
    hard: bool = False
    version: str = ""
    at: float = 0.0

    def __post_init__(self) -> None:
        if self.key and not self.bucket:
            raise ValueError("a key is in a bucket")

    @property
    def addressable(self) -> bool:
        """Whether a link can name it; under any other name nothing is ever kept."""
        try:
            if self.bucket:
                canonical_bucket(self.bucket)
            if self.key:
                canonical_key(self.key)
        except Unsignable:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Told:
    """What one call told, and how much of it means nothing here."""

    changes: tuple[Change, ...] = ()
    ignored: int = 0


def database_event(body: bytes) -> Told:
    """Read a database webhook: `type`, `schema`, `table`, `record` and `old_record`.

    Raises `RequestRefused` (422) for what is malformed; so do the other two.
    """
    event = _read(_RowEvent, body)
    if event.schema_name != "storage" or event.type not in ("INSERT", "UPDATE", "DELETE"):
        return _UNKNOWN
    if event.table == "buckets":
        return _told(_of_bucket(event))
    return _told(_of_object(event)) if event.table == "objects" else _UNKNOWN


def storage_event(body: bytes) -> Told:
    """Read the storage server's own webhook; type and payload are in its `event`."""
    envelope = _read(_Envelope, body)
    if envelope.type != "Webhook":
        return _UNKNOWN
    event = _shaped(_StorageEvent, envelope.event)
    if event.type in _REMOVED:
        removed = _shaped(_Object, event.payload)
        return _told([removed.gone()])
    if event.type not in _WRITTEN:
        return _UNKNOWN
    written = _shaped(_Written, event.payload)
    change = Change(written.bucket, written.name, version=written.version, at=event.at)
    return _told([change, written.old.gone()] if written.old else [change])


def purge_call(body: bytes) -> Told:
    """Read a call to a CDN's purge endpoint.

    Of transforms alone nothing has to go: each is made of one version of its object.
    """
    call = _read(_PurgeCall, body)
    hard = _PURGED.get(call.type)
    if hard is None:
        return _UNKNOWN
    subject = call.type.partition("-")[0]
    if subject != "tenant" and not call.bucket:
        _malformed("bucketId: needed")
    if subject == "object" and not call.name:
        _malformed("objectName: needed")
    bucket = "" if subject == "tenant" else call.bucket
    return _told([Change(bucket, call.name if subject == "object" else "", hard)])


_UNKNOWN = Told(ignored=1)
_WRITTEN = frozenset(
    f"Object{how}"
    for how in ("Created:Post", "Created:Put", "Created:Copy", "Created:Move", "Updated:Metadata")
)
_REMOVED = frozenset({"ObjectRemoved:Delete", "ObjectRemoved:Move"})
# What a purge call may be about, and whether copies have to go.
_PURGED: Mapping[str, bool] = {
    **dict.fromkeys(("object", "bucket", "tenant"), True),
    **dict.fromkeys(("object-transforms", "bucket-transforms", "tenant-transforms"), False),
}


def _of_bucket(event: _RowEvent) -> list[Change]:
    """Any change of a bucket may have taken access from everybody: all of it has to go."""
    rows = [_shaped(_Bucket, row) for row in (event.record, event.old_record) if row is not None]
    if not rows:
        _malformed("record: needed")
    return [Change(name, hard=True) for name in dict.fromkeys(row.id for row in rows)]


def _of_object(event: _RowEvent) -> list[Change]:
    if event.type == "DELETE":
        return [_shaped(_Row, event.old_record).gone()]
    new = _shaped(_Row, event.record)
    changes = [Change(new.bucket, new.name, version=new.version, at=new.at)]
    if event.type == "UPDATE" and event.old_record is not None:
        old = _shaped(_Row, event.old_record)
        if (old.bucket, old.name) != (new.bucket, new.name):
            changes.append(old.gone())
    return changes


def _told(changes: Iterable[Change]) -> Told:
    every = tuple(changes)
    known = tuple(change for change in every if change.addressable)
    return Told(known, len(every) - len(known))


def _seconds(value: object) -> float:
    """A time in whichever way it is told: ISO 8601 or milliseconds; anything else is no time."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return float(value) / 1000 if isinstance(value, int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0


# What is not needed is never a reason to refuse: the server adds to its rows and events.
_Needed = Annotated[str, Field(min_length=1)]
_Text = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) else "")]
_Time = Annotated[float, BeforeValidator(_seconds)]


class _Loose(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _RowEvent(_Loose):
    type: str
    table: str
    schema_name: Annotated[str, Field(alias="schema")]
    record: object = None
    old_record: object = None


class _Bucket(_Loose):
    id: _Needed


class _Row(_Loose):
    """A row of `storage.objects`."""

    bucket: Annotated[_Needed, Field(alias="bucket_id")]
    name: _Needed
    version: _Text = ""
    at: Annotated[_Time, Field(alias="updated_at")] = 0.0

    def gone(self) -> Change:
        return Change(self.bucket, self.name, hard=True)


class _Envelope(_Loose):
    type: str
    event: object = None


class _StorageEvent(_Loose):
    type: str
    payload: object = None
    at: Annotated[_Time, Field(alias="applyTime")] = 0.0


class _Object(_Loose):
    bucket: Annotated[_Needed, Field(alias="bucketId")]
    name: _Needed

    def gone(self) -> Change:
        return Change(self.bucket, self.name, hard=True)


class _Written(_Object):
    version: _Text = ""
    old: Annotated[_Object | None, Field(alias="oldObject")] = None


class _PurgeCall(_Loose):
    type: str
    bucket: Annotated[_Text, Field(alias="bucketId")] = ""
    name: Annotated[_Text, Field(alias="objectName")] = ""


def _read(shape: type[Shape], body: bytes) -> Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        _malformed(_fault(error))


def _shaped(shape: type[Shape], value: object) -> Shape:
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        _malformed(_fault(error))


def _fault(error: ValidationError) -> str:
    """Where and what, never the values: those name documents."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"


def _malformed(detail: str) -> NoReturn:
    raise RequestRefused(422, "body.invalid", detail) from None
