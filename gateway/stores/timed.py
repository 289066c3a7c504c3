"""A store whose answers are timed, for the metrics."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from gateway.stores import Body, Store, StoredObject


class TimedStore:
    """Passes everything on to `store` and tells `observe` its kind and the seconds it took.

    A body counts until it is open, which is when its first octets are there or near.
    """

    def __init__(self, store: Store, observe: Callable[[str, float], None]) -> None:
        self._store = store
        self._observe = observe

    @property
    def kind(self) -> str:
        return self._store.kind

    @property
    def local(self) -> bool:
        return self._store.local

    async def head(self, bucket: str, key: str) -> StoredObject:
        began = perf_counter()
        try:
            return await self._store.head(bucket, key)
        finally:
            self._observe(self.kind, perf_counter() - began)

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        began = perf_counter()
        try:
            return await self._store.open(bucket, key, first=first, last=last, identity=identity)
        finally:
            self._observe(self.kind, perf_counter() - began)

    async def check(self) -> None:
        await self._store.check()

    async def aclose(self) -> None:
        await self._store.aclose()
