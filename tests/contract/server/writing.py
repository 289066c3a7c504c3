"""Uploading, copying, moving and removing objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contract.server import forms, schemas
from tests.contract.server.answers import (
    Answer,
    Refusal,
    duplicate,
    json_answer,
    no_such_bucket,
    no_such_key,
    row_denied,
)
from tests.contract.server.desk import Call
from tests.contract.server.objects import StoredObject, Write
from tests.contract.server.tokens import BadToken


def store(call: Call, bucket: str, key: str, write: Write, kind: str, how: str) -> StoredObject:
    """Keep bytes, after the bucket's rules, and tell of it; the caller's rights are known."""
    where = call.desk.shelf.bucket(bucket)
    if not where.takes(write.media_type):
        bare = write.media_type.partition(";")[0]
        message = f"mime type {bare} is not supported"
        raise Refusal(415, "invalid_mime_type", message, "InvalidMimeType")
    if where.file_size_limit is not None and len(write.body) > where.file_size_limit:
        message = "The object exceeded the maximum allowed size"
        raise Refusal(413, "Payload too large", message, "EntityTooLarge")
    old = call.desk.shelf.find(bucket, key) if call.desk.shelf.has(bucket, key) else None
    new = call.desk.shelf.put(bucket, key, write)
    call.desk.events.row_event(new, old)
    call.desk.events.object_event(kind, new, upload=how)
    return new


def put(call: Call, write: Write, upsert: bool, how: str = "standard") -> StoredObject:
    """Keep what a caller sends, if row-level security lets him."""
    exists = call.desk.shelf.has(call.bucket, call.key)
    call.desk.shelf.bucket(call.bucket)
    call.need("insert", call.bucket, call.key)
    if exists and not upsert:
        raise duplicate("KeyAlreadyExists")
    if exists:
        call.need("update", call.bucket, call.key)
    kind = "ObjectCreated:Put" if upsert else "ObjectCreated:Post"
    return store(call, call.bucket, call.key, write, kind, how)


def removed(call: Call, key: str) -> StoredObject | None:
    """Remove an object if it is there and the caller may see and delete it."""
    shelf = call.desk.shelf
    if not shelf.has(call.bucket, key):
        return None
    if not (call.may("select", call.bucket, key) and call.may("delete", call.bucket, key)):
        return None
    gone = shelf.drop(call.bucket, key)
    call.desk.events.row_event(None, gone)
    call.desk.events.object_event("ObjectRemoved:Delete", gone)
    return gone


def upload(call: Call) -> Answer:
    """POST and PUT /object/BUCKET/KEY; PUT replaces."""
    upsert = call.ask.method == "PUT" or call.ask.fields.get("x-upsert") == "true"
    return _kept(put(call, forms.uploaded(call.ask, call.caller.subject), upsert))


def upload_signed(call: Call) -> Answer:
    """PUT /object/upload/sign/BUCKET/KEY?token=."""
    query = schemas.required("querystring", call.ask.query, ("token",))
    try:
        claims = call.desk.keys.verify(query["token"])
    except BadToken as bad:
        raise Refusal(400, "InvalidJWT", str(bad), "InvalidJWT") from None
    if claims.get("url") != f"{call.bucket}/{call.key}" or claims.get("scope") != "upload":
        raise Refusal(400, "InvalidSignature", "Invalid signature", "InvalidSignature")
    if call.desk.shelf.has(call.bucket, call.key) and not claims["upsert"]:
        raise duplicate("KeyAlreadyExists")
    write = forms.uploaded(call.ask, str(claims["owner"]))
    kind = "ObjectCreated:Put" if claims["upsert"] else "ObjectCreated:Post"
    made = store(call, call.bucket, call.key, write, kind, "standard")
    return json_answer({"Key": f"{made.bucket}/{made.key}"})


def copy(call: Call) -> Answer:
    """POST /object/copy."""
    source, bucket, key = _ends(call)
    call.need("insert", bucket, key)
    if call.desk.shelf.has(bucket, key):
        raise duplicate("KeyAlreadyExists")
    write = replace(source.write, owner=call.caller.subject)
    made = store(call, bucket, key, write, "ObjectCreated:Copy", "")
    return json_answer({"Key": f"{bucket}/{key}", "Id": made.id, **made.row()})


def move(call: Call) -> Answer:
    """POST /object/move: the row keeps its id, under another name and another version."""
    source, bucket, key = _ends(call)
    if not call.may("update", source.bucket, source.key) or not call.may("update", bucket, key):
        raise row_denied()
    if call.desk.shelf.has(bucket, key):
        raise duplicate("KeyAlreadyExists")
    moved = call.desk.shelf.move(source, bucket, key)
    call.desk.events.row_event(moved, source)
    call.desk.events.object_event("ObjectRemoved:Move", source)
    call.desk.events.object_event("ObjectCreated:Move", moved, source, "standard")
    return json_answer({"message": "Successfully moved"})


def remove(call: Call) -> Answer:
    """DELETE /object/BUCKET/KEY."""
    if not call.desk.shelf.has(call.bucket, call.key) or not removed(call, call.key):
        raise no_such_key()
    return json_answer({"message": "Successfully deleted"})


def remove_many(call: Call) -> Answer:
    """DELETE /object/BUCKET: tells the rows that are gone, and not which were not there."""
    body = schemas.required("body", call.ask.json(), ("prefixes",))
    if call.bucket not in call.desk.shelf.buckets:
        raise no_such_bucket()
    rows = (removed(call, key) for key in schemas.paths(body, "prefixes"))
    return json_answer([gone.row() for gone in rows if gone is not None])


def _ends(call: Call) -> tuple[StoredObject, str, str]:
    names = ("bucketId", "sourceKey", "destinationKey")
    body: Any = schemas.required("body", call.ask.json(), names)
    source = call.see(body["bucketId"], body["sourceKey"])
    return source, body.get("destinationBucket", body["bucketId"]), body["destinationKey"]


def _kept(made: StoredObject) -> Answer:
    return json_answer({"Key": f"{made.bucket}/{made.key}", "Id": made.id})
