"""Resumable uploads by the tus protocol 1.0.0: create, patch, head and delete."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping

from tests.contract.server import writing
from tests.contract.server.answers import Answer, Refusal
from tests.contract.server.desk import PREFIX, Call
from tests.contract.server.objects import Write

_VERSION = {"tus-resumable": "1.0.0"}


class Upload:
    """Bytes that have come so far, and what becomes of them when all have."""

    def __init__(self, call: Call, length: int, metadata: Mapping[str, str]) -> None:
        self.call, self.length, self.metadata = call, length, metadata
        self.upsert = call.ask.fields.get("x-upsert") == "true"
        self.body = b""

    def take(self, chunk: bytes) -> None:
        """Add bytes; the last of them make the object."""
        self.body += chunk
        if len(self.body) < self.length:
            return
        seconds = self.metadata.get("cacheControl", "")
        write = Write(
            self.body,
            self.metadata.get("contentType", "application/octet-stream"),
            f"max-age={seconds}" if seconds else "no-cache",
            owner=self.call.caller.subject,
        )
        writing.put(self.call, write, self.upsert, "resumable")


def options(_: Call) -> Answer:
    extensions = "creation,creation-with-upload,termination"
    return Answer(204, {**_VERSION, "tus-version": "1.0.0", "tus-extension": extensions})


def create(call: Call) -> Answer:
    """POST: names the upload, and may bring its first bytes."""
    metadata = _metadata(call.ask.fields.get("upload-metadata", ""))
    whole = Call(
        call.desk,
        call.ask,
        call.operation,
        call.caller,
        metadata.get("bucketName", ""),
        metadata.get("objectName", ""),
    )
    whole.desk.shelf.bucket(whole.bucket)
    whole.need("insert", whole.bucket, whole.key)
    upload = Upload(whole, int(call.ask.fields["upload-length"]), metadata)
    name = uuid.uuid4().hex
    call.desk.uploads[name] = upload
    if call.ask.body:
        upload.take(call.ask.body)
    host = call.ask.fields.get("x-forwarded-host") or call.ask.fields.get("host", "")
    scheme = call.ask.fields.get("x-forwarded-proto") or call.ask.scheme
    location = f"{scheme}://{host}{PREFIX}/upload/resumable/{name}"
    return Answer(201, {**_VERSION, **_offset(upload), "location": location})


def patch(call: Call) -> Answer:
    """PATCH: more bytes, at the offset that has been reached."""
    upload = _found(call)
    if int(call.ask.fields.get("upload-offset", -1)) != len(upload.body):
        raise Refusal(409, "Conflict", "Upload-Offset conflict", "InvalidRequest", 409)
    upload.take(call.ask.body)
    return Answer(204, {**_VERSION, **_offset(upload)})


def head(call: Call) -> Answer:
    upload = _found(call)
    fields = {**_offset(upload), "upload-length": str(upload.length), "cache-control": "no-store"}
    return Answer(200, {**_VERSION, **fields})


def delete(call: Call) -> Answer:
    _found(call)
    del call.desk.uploads[call.key]
    return Answer(204, _VERSION)


def _found(call: Call) -> Upload:
    upload = call.desk.uploads.get(call.key)
    if not isinstance(upload, Upload) or upload.call.caller.subject != call.caller.subject:
        raise Refusal(404, "Not Found", "The file for this url was not found", "NoSuchKey", 404)
    return upload


def _offset(upload: Upload) -> dict[str, str]:
    return {"upload-offset": str(len(upload.body))}


def _metadata(text: str) -> dict[str, str]:
    pairs = (pair.strip().partition(" ") for pair in text.split(",") if pair.strip())
    return {name: base64.b64decode(value).decode() for name, _, value in pairs}
