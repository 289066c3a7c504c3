"""Buckets, and the calls that empty caches."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tests.contract.server.answers import (
    Answer,
    Refusal,
    access_denied,
    duplicate,
    json_answer,
    no_such_bucket,
    row_denied,
)
from tests.contract.server.desk import Call
from tests.contract.server.objects import Bucket

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def create(call: Call) -> Answer:
    body = call.ask.json()
    name = str(body.get("id") or body["name"])
    if not call.privileged:
        raise row_denied()
    if name in call.desk.shelf.buckets:
        raise duplicate("BucketAlreadyExists")
    bucket = call.desk.shelf.add_bucket(name)
    _change(bucket, body)
    call.desk.events.bucket_event(bucket, None)
    return json_answer({"name": name})


def listed(call: Call) -> Answer:
    """All buckets, for the service role; nobody else has a policy on them."""
    buckets = call.desk.shelf.buckets.values() if call.privileged else ()
    return json_answer([_with_type(bucket) for bucket in buckets])


def got(call: Call) -> Answer:
    return json_answer(_own(call).row())


def update(call: Call) -> Answer:
    """A bucket that turns private is purged."""
    bucket = _own(call)
    before = bucket.row()
    _change(bucket, call.ask.json())
    bucket.updated_at = call.desk.clock()
    call.desk.events.bucket_event(bucket, before)
    if before["public"] and not bucket.public:
        call.desk.events.purge("bucket", bucket.name)
    return json_answer({"message": "Successfully updated"})


def empty(call: Call) -> Answer:
    bucket = _own(call)
    for key in call.desk.shelf.keys(bucket.name):
        gone = call.desk.shelf.drop(bucket.name, key)
        call.desk.events.object_event("ObjectRemoved:Delete", gone)
        call.desk.events.row_event(None, gone)
    return json_answer({"message": "Successfully emptied"})


async def delete(call: Call) -> Answer:
    bucket = _own(call)
    if call.desk.shelf.keys(bucket.name):
        message = "The bucket you tried to delete is not empty"
        raise Refusal(409, "InvalidRequest", message, "BucketNotEmpty")
    call.desk.shelf.drop_bucket(bucket.name)
    call.desk.events.bucket_event(None, bucket.row())
    return json_answer({"message": "Successfully deleted"})


async def purge(call: Call) -> Answer:
    """DELETE /cdn/[BUCKET[/KEY]]: for the service role; answered when the hook has answered."""
    if not call.privileged:
        raise access_denied("Access denied: Invalid role", 403)
    kind = "object" if call.key else "bucket" if call.bucket else "tenant"
    if call.ask.query.get("transformations") == "true":
        kind += "-transforms"
    sending = call.desk.events.purge(kind, call.bucket, call.key)
    if sending is not None:
        await asyncio.wrap_future(sending)
    return json_answer({"message": "success"})


def _own(call: Call) -> Bucket:
    bucket = call.desk.shelf.bucket(call.bucket)
    if not call.privileged:
        raise no_such_bucket()
    return bucket


def _change(bucket: Bucket, body: dict[str, Any]) -> None:
    bucket.public = bool(body.get("public", bucket.public))
    if "file_size_limit" in body:
        bucket.file_size_limit = _octets(body["file_size_limit"])
    if "allowed_mime_types" in body:
        bucket.allowed_mime_types = body["allowed_mime_types"]


def _octets(given: Any) -> int | None:
    """A size as a number or as text such as 20MB."""
    if given is None:
        return None
    number, unit = re.fullmatch(r"(\d+)\s*([A-Z]*)", str(given).strip().upper()).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS[unit]


def _with_type(bucket: Bucket) -> dict[str, Any]:
    row = bucket.row()
    head = {name: row.pop(name) for name in ("id", "name", "owner", "public")}
    return {**head, "type": "STANDARD", **row}
