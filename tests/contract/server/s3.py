"""The S3 face: buckets, pages of names, and objects to read, put and delete."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from xml.sax.saxutils import unescape

from tests.contract.server import listing, reading, sigv4, writing
from tests.contract.server.answers import Answer, Refusal, no_such_bucket
from tests.contract.server.asks import Ask
from tests.contract.server.desk import PREFIX, Call, Desk
from tests.contract.server.objects import StoredObject, Write, timestamp
from tests.contract.server.xml import Element, document, element

_OVERRIDES = ("cache-control", "content-disposition", "content-type", "expires")
_META = "x-amz-meta-"
_KEYS = re.compile(r"<Key>([^<]+)</Key>")


def answered(desk: Desk, ask: Ask) -> Answer:
    """The answer of the S3 face; errors are XML under their true status."""
    rest = ask.path.removeprefix(f"{PREFIX}/s3").removeprefix("/")
    bucket, _, key = rest.partition("/")
    name = f"{ask.method} {'key' if key else 'bucket' if bucket else 'root'}"
    bucket, key = unquote(bucket), unquote(key)
    try:
        caller = sigv4.caller(desk, ask)
        if name not in _ROUTES:
            raise Refusal(404, "not_found", "Route not found", "NotFound")
        operation, handler = _ROUTES[name]
        return handler(Call(desk, ask, f"storage.s3.{operation}", caller, bucket, key))
    except Refusal as refusal:
        return _refused(refusal, "/".join(filter(None, (bucket, key))))


def _refused(refusal: Refusal, resource: str) -> Answer:
    facts = (
        element("Resource", resource),
        element("Code", refusal.code),
        element("Message", refusal.message),
    )
    return _xml("Error", facts, refusal.true_status)


def _xml(name: str, inside: tuple[Element, ...], status: int = 200) -> Answer:
    fields = {"content-type": "application/xml; charset=utf-8"}
    return Answer(status, fields, document(name, inside))


def _buckets(call: Call) -> Answer:
    rows = call.desk.shelf.buckets.values() if call.privileged else ()
    buckets = [
        element("Bucket", (element("Name", row.name), element("CreationDate", timestamp(row.at))))
        for row in rows
    ]
    return _xml("ListAllMyBucketsResult", (element("Buckets", tuple(buckets)),))


def _head_bucket(call: Call) -> Answer:
    if call.bucket not in call.desk.shelf.buckets or not call.privileged:
        raise no_such_bucket()
    return Answer(200, {"x-amz-bucket-region": "us-east-1"})


def _list(call: Call) -> Answer:
    """ListObjectsV2."""
    query = call.ask.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = int(query.get("max-keys", 1000))
    after = listing.after_cursor(query.get("continuation-token", "")) or query.get(
        "start-after", ""
    )
    names = [name for name in listing.visible(call, call.bucket, prefix) if name > after]
    whole = _grouped(names, prefix) if delimiter else names
    page, more = whole[:most], len(whole) > most
    coded = query.get("encoding-type") == "url"
    inside = [element("Name", call.bucket), element("Prefix", prefix)]
    inside += [_contents(call, name, coded) for name in page if name[-1] != "/"]
    inside += [element("IsTruncated", str(more).lower()), element("MaxKeys", str(most))]
    inside += [element("Delimiter", delimiter)] if delimiter else []
    inside += [element("EncodingType", "url")] if coded else []
    inside.append(element("KeyCount", str(len(page))))
    inside += [element("NextContinuationToken", listing.cursor(page[-1]))] if more else []
    inside += [
        element("CommonPrefixes", (element("Prefix", _coded(name, coded)),))
        for name in page
        if name[-1] == "/"
    ]
    return _xml("ListBucketResult", tuple(inside))


def _grouped(names: list[str], prefix: str) -> list[str]:
    folders, files = listing.split(names, prefix)
    return sorted([*(f"{name}/" for name in folders), *files])


def _contents(call: Call, name: str, coded: bool) -> Element:
    found = call.desk.shelf.find(call.bucket, name)
    facts = (
        element("Key", _coded(name, coded)),
        element("LastModified", timestamp(found.updated_at)),
        element("ETag", found.etag),
        element("Size", str(found.size)),
        element("StorageClass", "STANDARD"),
    )
    return element("Contents", facts)


def _coded(name: str, coded: bool) -> str:
    return quote(name, safe="") if coded else name


def _get(call: Call) -> Answer:
    """GetObject, with a range, preconditions and the overrides of its query."""
    found = call.see(call.bucket, call.key)
    fields = _fields(call, found)
    body = found.write.body
    if reading.unchanged(call, found) or _not_since(call, found):
        return Answer(304, {**fields, "content-length": "0"})
    part = reading.span(call, len(body))
    if part is None:
        return Answer(200, fields, body)
    first, last = part
    fields["content-range"] = f"bytes {first}-{last}/{len(body)}"
    return Answer(206, fields, body[first : last + 1])


def _head(call: Call) -> Answer:
    """HeadObject."""
    found = call.see(call.bucket, call.key)
    made = datetime.fromtimestamp(int(found.created_at), UTC)
    created = f"{made:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)"
    return Answer(200, {"created-at": created, **_fields(call, found)}, found.write.body)


def _not_since(call: Call, found: StoredObject) -> bool:
    """Whether If-Modified-Since lies at or after the change; here in whole seconds."""
    return call.ask.fields.get("if-modified-since") == found.last_modified


def _fields(call: Call, found: StoredObject) -> dict[str, str]:
    fields = {
        "cache-control": found.write.cache_control,
        "content-type": found.write.media_type,
        "etag": found.etag,
        "last-modified": found.last_modified,
    }
    fields |= {f"{_META}{name}": str(value) for name, value in found.write.user_metadata.items()}
    wanted = {name: call.ask.query.get(f"response-{name}") for name in _OVERRIDES}
    return fields | {name: value for name, value in wanted.items() if value is not None}


def _put(call: Call) -> Answer:
    """PutObject; always an upsert."""
    fields = call.ask.fields
    metadata = {
        name.removeprefix(_META): value for name, value in fields.items() if name.startswith(_META)
    }
    write = Write(
        _unchunked(call.ask),
        fields.get("content-type", "application/octet-stream"),
        fields.get("cache-control", "no-cache"),
        metadata,
        call.caller.subject,
    )
    made = writing.put(call, write, upsert=True, how="s3")
    return Answer(200, {"etag": made.etag})


def _delete(call: Call) -> Answer:
    writing.removed(call, call.key)
    return Answer(204)


def _delete_many(call: Call) -> Answer:
    """DeleteObjects; what is not there counts as deleted."""
    if "delete" not in call.ask.query:
        raise Refusal(404, "not_found", "Route not found", "NotFound")
    names = [unescape(name) for name in _KEYS.findall(call.ask.body.decode())]
    for name in names:
        writing.removed(call, name)
    told = tuple(element("Deleted", (element("Key", name),)) for name in names)
    return _xml("DeleteResult", told)


def _unchunked(ask: Ask) -> bytes:
    """The bytes inside `aws-chunked` framing."""
    if "aws-chunked" not in ask.fields.get("content-encoding", ""):
        return ask.body
    whole, rest = b"", ask.body
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if size == 0:
            break
        whole, rest = whole + rest[:size], rest[size + 2 :]
    return whole


_ROUTES: dict[str, tuple[str, Callable[[Call], Answer]]] = {
    "GET root": ("bucket.list", _buckets),
    "HEAD bucket": ("bucket.get", _head_bucket),
    "GET bucket": ("object.list", _list),
    "POST bucket": ("object.delete_many", _delete_many),
    "GET key": ("object.get", _get),
    "HEAD key": ("object.info", _head),
    "PUT key": ("object.put", _put),
    "DELETE key": ("object.delete", _delete),
}
