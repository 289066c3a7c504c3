"""Writes: which objects a request has changed that Supabase has said yes to.

What is told here is known at once, whereas events come later or not at all. A removal is hard,
all else soft, as with events.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes
from xml.sax.saxutils import unescape

from gateway.dropin.calls import PREFIX, ROUTES
from gateway.supabase.events import Change

LONGEST: Final = 1 << 20
"""How much of a body is read for the names in it: a thousand names with what is beside them."""

_ROUTES = frozenset(route.decode() for route in ROUTES)
_KEY = re.compile(r"<Key>([^<]+)</Key>")
Named: TypeAlias = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Write:
    """A request that changes something if it succeeds; built by `write_of`.

    `asks` tells that the names are in its body, `answers` that they are in the answer's: of
    those that a removal names, Supabase removes what the caller may remove, and lists that.
    """

    method: str
    path: tuple[str, ...]
    query: frozenset[str]
    asks: bool = False
    answers: bool = False


def write_of(method: str, raw_path: bytes, query: bytes) -> Write | None:
    """The write that a request is, or None."""
    try:
        path = tuple(unquote_to_bytes(raw_path.removeprefix(PREFIX)).decode().split("/"))
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=64)
    except ValueError:
        return None
    names = frozenset(name for name, value in pairs if value != "false")
    match method, *path:
        case "POST", "object", "move" | "copy":
            return Write(method, path, names, asks=True)
        case "DELETE", "object", _:
            return Write(method, path, names, asks=True, answers=True)
        case "POST", "s3", _, *rest if not any(rest) and "delete" in names:
            return Write(method, path, names, asks=True)
        case _:
            write = Write(method, path, names)
            return write if changes_of(write) else None


def changes_of(write: Write, asked: bytes = b"", answered: bytes = b"") -> list[Change]:
    """The changes of a write that succeeded; `asked` and `answered` are the bodies, if read.

    Names that no link can have are left out: nothing of them is kept.
    """
    bodies = write.asks or write.answers
    named = _in_bodies(write, asked, answered) if bodies else _in_path(write)
    changes = dict.fromkeys(Change(*name) for name in named if name[0] or not name[1])
    return [change for change in changes if change.addressable]


def _in_path(write: Write) -> list[Named]:
    match write.method, *write.path:
        case "POST" | "PUT", "object", bucket, *key if bucket not in _ROUTES and any(key):
            return [(bucket, "/".join(key), False)]
        case "PUT", "object", "upload", "sign", bucket, *key if any(key):
            return [(bucket, "/".join(key), False)]
        case "DELETE", "object", bucket, *key if any(key):
            return [(bucket, "/".join(key), True)]
        case ("PUT" | "DELETE", "bucket", bucket) | ("POST", "bucket", bucket, "empty") if bucket:
            return [(bucket, "", True)]
        case "DELETE", "cdn", *names:
            return _purged(names, hard="transformations" not in write.query)
        case _, "s3", bucket, *key if bucket:
            return _in_s3(write, bucket, "/".join(key))
        case _:
            return []


def _purged(names: list[str], *, hard: bool) -> list[Named]:
    """A purge of an object's, a bucket's or all copies, or of those that are transformed."""
    bucket, *key = names or [""]
    return [(bucket, "/".join(key), hard)]


def _in_s3(write: Write, bucket: str, key: str) -> list[Named]:
    """Parts of an upload change nothing until it is completed, and nothing when it is dropped."""
    unfinished = "uploadId" in write.query
    match write.method:
        case "PUT" if key and not unfinished:
            return [(bucket, key, False)]
        case "POST" if key and unfinished:
            return [(bucket, key, False)]
        case "DELETE" if not (unfinished if key else write.query - {"x-id"}):
            return [(bucket, key, True)]
        case _:
            return []


def _in_bodies(write: Write, asked: bytes, answered: bytes) -> list[Named]:
    match write.path:
        case "object", "move" | "copy" as verb:
            return _moved(verb, _read(asked))
        case "s3", bucket, *_:
            names = _KEY.findall(asked.decode("utf-8", "replace"))
            return [(bucket, unescape(name, _QUOTES), True) for name in names]
        case _, bucket:
            return [(bucket, name, True) for name in _removed(_read(asked), _read(answered))]
        case _:
            return []


_QUOTES = {"&quot;": '"', "&apos;": "'"}


def _moved(verb: str, body: object) -> list[Named]:
    match body:
        case {
            "bucketId": str(bucket),
            "sourceKey": str(old),
            "destinationKey": str(new),
        } if old and new:
            here: list[Named] = [(bucket, old, True)] if verb == "move" else []
            return [*here, (_elsewhere(body) or bucket, new, False)]
        case _:
            return []


def _elsewhere(body: object) -> str:
    match body:
        case {"destinationBucket": str(bucket)}:
            return bucket
        case _:
            return ""


def _removed(asked: object, answered: object) -> list[str]:
    """The names that the answer lists; those that were asked for where it can not be read."""
    match answered, asked:
        case [*rows], _:
            names = [_name_of(row) for row in rows]
        case _, {"prefixes": [*names]}:
            pass
        case _:
            return []
    return [name for name in names if isinstance(name, str) and name]


def _name_of(row: object) -> object:
    match row:
        case {"name": name}:
            return name
        case _:
            return None


def _read(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
