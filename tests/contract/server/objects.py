"""Buckets and objects in memory, with the columns that the real tables have."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from tests.contract.server.answers import Refusal, no_such_bucket, no_such_key

_KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+")


def timestamp(at: float) -> str:
    """Milliseconds in UTC, as PostgreSQL's dates leave the server."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(slots=True)
class Bucket:
    """A row of storage.buckets."""

    name: str
    public: bool
    at: float
    updated_at: float
    file_size_limit: int | None = None
    allowed_mime_types: list[str] | None = None

    def row(self) -> dict[str, Any]:
        return {
            "id": self.name,
            "name": self.name,
            "owner": "",
            "public": self.public,
            "file_size_limit": self.file_size_limit,
            "allowed_mime_types": self.allowed_mime_types,
            "created_at": timestamp(self.at),
            "updated_at": timestamp(self.updated_at),
        }

    def takes(self, media_type: str) -> bool:
        """Whether the bucket allows the type; `image/*` allows them all."""
        if self.allowed_mime_types is None:
            return True
        bare = media_type.partition(";")[0].strip()
        return any(
            allowed in {bare, "*/*"} or (allowed[-2:] == "/*" and bare.startswith(allowed[:-1]))
            for allowed in self.allowed_mime_types
        )


@dataclass(frozen=True, slots=True)
class Write:
    """What a client sends to be kept."""

    body: bytes
    media_type: str = "application/octet-stream"
    cache_control: str = "no-cache"
    user_metadata: dict[str, Any] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A row of storage.objects together with its bytes; every write makes a new `version`."""

    bucket: str
    key: str
    id: str
    version: str
    write: Write
    etag: str
    created_at: float
    updated_at: float

    @property
    def size(self) -> int:
        return len(self.write.body)

    @property
    def last_modified(self) -> str:
        return formatdate(int(self.updated_at), usegmt=True)

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "eTag": self.etag,
            "size": self.size,
            "mimetype": self.write.media_type,
            "cacheControl": self.write.cache_control,
            "lastModified": timestamp(self.updated_at),
            "contentLength": self.size,
            "httpStatusCode": 200,
        }

    def row(self) -> dict[str, Any]:
        return {
            "name": self.key,
            "bucket_id": self.bucket,
            "owner": self.write.owner,
            "owner_id": self.write.owner,
            "version": self.version,
            "id": self.id,
            "updated_at": timestamp(self.updated_at),
            "created_at": timestamp(self.created_at),
            "last_accessed_at": timestamp(self.created_at),
            "metadata": self.metadata,
            "user_metadata": self.write.user_metadata,
        }


class Shelf:
    """All buckets and all objects."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.buckets: dict[str, Bucket] = {}
        self._objects: dict[str, dict[str, StoredObject]] = {}

    def add_bucket(self, name: str, public: bool = False) -> Bucket:
        now = self._clock()
        bucket = self.buckets[name] = Bucket(name, public, now, now)
        self._objects.setdefault(name, {})
        return bucket

    def drop_bucket(self, name: str) -> None:
        del self.buckets[name], self._objects[name]

    def bucket(self, name: str) -> Bucket:
        """The bucket; `NoSuchBucket` when there is none."""
        if name not in self.buckets:
            raise no_such_bucket()
        return self.buckets[name]

    def find(self, bucket: str, key: str) -> StoredObject:
        """The object; `NoSuchKey` when there is none."""
        found = self._objects.get(bucket, {}).get(key)
        if found is None:
            raise no_such_key()
        return found

    def has(self, bucket: str, key: str) -> bool:
        return key in self._objects.get(bucket, {})

    def keys(self, bucket: str) -> list[str]:
        return sorted(self._objects.get(bucket, {}))

    def put(self, bucket: str, key: str, write: Write) -> StoredObject:
        """Keep an object under a new version; an object of that name keeps its id."""
        self.bucket(bucket)
        if not _KEY.fullmatch(key):
            raise Refusal(400, "InvalidKey", f"Invalid key: {key}", "InvalidKey")
        before, now = self._objects[bucket].get(key), self._clock()
        made = StoredObject(
            bucket,
            key,
            before.id if before else str(uuid.uuid4()),
            str(uuid.uuid4()),
            write,
            f'"{hashlib.md5(write.body, usedforsecurity=False).hexdigest()}"',
            before.created_at if before else now,
            now,
        )
        self._objects[bucket][key] = made
        return made

    def move(self, found: StoredObject, bucket: str, key: str) -> StoredObject:
        """Give an object another name; its id stays, its version does not."""
        self.put(bucket, key, found.write)
        moved = replace(self._objects[bucket][key], id=found.id, created_at=found.created_at)
        self._objects[bucket][key] = moved
        del self._objects[found.bucket][found.key]
        return moved

    def drop(self, bucket: str, key: str) -> StoredObject:
        self.find(bucket, key)
        return self._objects[bucket].pop(key)
