"""Objects and renditions over the wire: fields, preconditions and ranges with all their quirks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from tests.contract.server import schemas, transforms
from tests.contract.server.answers import (
    Answer,
    Refusal,
    internal,
    invalid_range,
    invalid_request,
    json_answer,
    no_such_bucket,
    no_such_key,
)
from tests.contract.server.desk import Call
from tests.contract.server.objects import StoredObject, timestamp
from tests.contract.server.tokens import BadToken

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_UNESCAPED = "!'()*"


@dataclass(frozen=True, slots=True)
class Found:
    """An object that may be read; `expires` is the end of a signed URL, or 0."""

    object: StoredObject
    expires: int = 0
    token: dict[str, Any] | None = None


def public(call: Call) -> Found:
    """Without credentials: the bucket must be public. Both rows are looked up at the same time."""
    bucket = call.desk.shelf.buckets.get(call.bucket)
    if bucket is None:
        raise no_such_key() if call.desk.backend == "file" else no_such_bucket()
    if not bucket.public:
        raise no_such_bucket()
    return Found(call.desk.shelf.find(call.bucket, call.key))


def authenticated(call: Call) -> Found:
    """With credentials; a public bucket is open to all, and without credentials only that."""
    bucket = call.desk.shelf.bucket(call.bucket)
    if bucket.public:
        return Found(call.desk.shelf.find(call.bucket, call.key))
    if not call.caller.authenticated:
        raise no_such_bucket()
    return Found(call.see(call.bucket, call.key))


def signed(call: Call) -> Found:
    """With the token of a signed URL for this very path."""
    if "token" not in call.ask.query:
        raise invalid_request("querystring must have required property 'token'")
    try:
        claims = call.desk.keys.verify(call.ask.query["token"])
    except BadToken as bad:
        raise Refusal(400, "InvalidJWT", str(bad), "InvalidJWT") from None
    named = claims.get("url") == f"{call.bucket}/{call.key}"
    if not named or claims.get("scope", "download") != "download":
        raise Refusal(400, "InvalidSignature", "Invalid signature", "InvalidSignature")
    found = call.desk.shelf.find(call.bucket, call.key)
    return Found(found, int(claims["exp"]), claims)


def original(call: Call, found: Found) -> Answer:
    """The object itself, whole or a part of it."""
    fields = {**_fields(call, found), "last-modified": found.object.last_modified}
    fields["content-type"] = _harmless(found.object.write.media_type)
    if unchanged(call, found.object):
        if call.desk.backend == "s3":
            return Answer(304)
        return Answer(304, {**fields, "content-length": "0"})
    if "cache-control" in fields and "if-none-match" in call.ask.fields:
        fields["cache-control"] += ", stale-while-revalidate=30"
    body = found.object.write.body
    part = span(call, len(body))
    if part is None:
        return Answer(200, fields, body)
    first, last = part
    fields["content-range"] = f"bytes {first}-{last}/{len(body)}"
    return Answer(206, fields, body[first : last + 1])


def rendition(call: Call, found: Found) -> Answer:
    """A stub in place of the picture; under the source's ETag, and never 304."""
    if found.token is None:
        options = schemas.transformation("querystring", call.ask.query)
    else:
        options = transforms.untokened(str(found.token.get("transformations", "")))
    fields = _fields(call, found)
    if "cache-control" in fields and "if-none-match" in call.ask.fields:
        fields["cache-control"] += ", stale-while-revalidate=30"
    steps = transforms.proxied(options)
    if steps:
        fields["x-transformations"] = steps
    media_type, body = transforms.stub(call.ask.fields.get("accept", ""), options)
    return Answer(200, {**fields, "content-type": media_type}, body)


def info(_: Call, found: Found) -> Answer:
    """What is known of the object, as JSON."""
    it = found.object
    facts = {
        "id": it.id,
        "name": it.key,
        "version": it.version,
        "bucket_id": it.bucket,
        "size": it.size,
        "content_type": it.write.media_type,
        "cache_control": it.write.cache_control,
        "etag": it.etag,
        "metadata": it.write.user_metadata,
        "last_modified": timestamp(it.updated_at),
        "created_at": timestamp(it.created_at),
    }
    fields = {
        "etag": it.etag,
        "last-modified": it.last_modified,
        "cache-control": it.write.cache_control,
    }
    return json_answer(facts, fields=fields)


def unchanged(call: Call, found: StoredObject) -> bool:
    """Whether a precondition holds: tags as text, times of files to the millisecond."""
    if "if-none-match" in call.ask.fields:
        return call.ask.fields["if-none-match"] == found.etag
    if "if-modified-since" not in call.ask.fields:
        return False
    try:
        since = parsedate_to_datetime(call.ask.fields["if-modified-since"]).timestamp()
    except ValueError:
        return False
    exact = found.updated_at if call.desk.backend == "file" else int(found.updated_at)
    return exact <= since


def span(call: Call, size: int) -> tuple[int, int] | None:
    """First and last octet of the range asked for; If-Range is not looked at."""
    wanted = call.ask.fields.get("range")
    if wanted is None:
        return None
    matched = _RANGE.fullmatch(wanted.strip())
    if matched is None or matched.group(0) == "bytes=-":
        if call.desk.backend == "s3":
            return None
        raise invalid_range()
    first, last = matched.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        raise invalid_range() if call.desk.backend == "file" else internal()
    return start, end


def _fields(call: Call, found: Found) -> dict[str, str]:
    fields = {"accept-ranges": "bytes", "etag": found.object.etag, "x-robots-tag": "none"}
    if found.expires:
        fields["expires"] = formatdate(found.expires, usegmt=True)
    else:
        fields["cache-control"] = found.object.write.cache_control
    if "download" in call.ask.query:
        fields["content-disposition"] = _disposition(call.ask.query["download"])
    return fields


def _disposition(name: str) -> str:
    if not name:
        return "attachment;"
    text = quote(name, safe=_UNESCAPED)
    return f"attachment; filename={text}; filename*=UTF-8''{text}"


def _harmless(media_type: str) -> str:
    return "text/plain" if "text/html" in media_type else media_type
