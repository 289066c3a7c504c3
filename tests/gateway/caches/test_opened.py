"""Entries read in parts: the same octets as read whole, and never those of a torn file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.caches.disk import DiskCache
from gateway.caches.opened import PIECE, OpenEntry

KEY = "cd" * 32
META = {"media_type": "application/pdf", "kept": 0}
BODY = os.urandom(PIECE + 12_345)


def using(folder: Path, work: Callable[[DiskCache], Awaitable[None]]) -> None:
    async def run() -> None:
        cache = DiskCache(folder, 1 << 26)
        try:
            await work(cache)
        finally:
            await cache.aclose()

    asyncio.run(run())


def file_of(folder: Path) -> Path:
    [path] = (path for path in folder.rglob("*") if path.is_file())
    return path


async def entry_of(cache: DiskCache) -> OpenEntry:
    entry = await cache.open(KEY)
    assert entry is not None
    return entry


def open_below(folder: Path) -> list[str]:
    """The files below a folder that this process has open; what others open is no matter."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # closed since it was listed
            found.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [name for name in found if name.startswith(str(folder))]


@pytest.mark.parametrize("body", [b"", b"x", BODY])
def test_an_entry_tells_its_meta_and_size(tmp_path: Path, body: bytes) -> None:
    async def work(cache: DiskCache) -> None:
        assert await cache.open(KEY) is None
        await cache.put(KEY, META, body)
        entry = await entry_of(cache)
        assert (entry.meta, entry.size) == (META, len(body))
        entry.close()

    using(tmp_path, work)


@pytest.mark.parametrize(
    ("first", "last"), [(0, 0), (5, 99), (PIECE - 1, PIECE), (PIECE, len(BODY) - 1)]
)
def test_a_part_is_what_was_put(tmp_path: Path, first: int, last: int) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)
        entry = await entry_of(cache)
        assert await entry.read(first, last) == BODY[first : last + 1]
        with pytest.raises(OSError, match="too early"):
            await entry.read(0, len(BODY))
        entry.close()

    using(tmp_path, work)


def test_an_open_entry_outlives_its_being_forgotten(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)
        entry = await entry_of(cache)
        await cache.drop(KEY)
        assert await cache.open(KEY) is None
        assert await entry.read(7, 8) == BODY[7:9]
        entry.close()

    using(tmp_path, work)


@pytest.mark.parametrize("place", [0, 9, 60, -1])
def test_a_torn_entry_is_none_to_a_process_that_did_not_see_it_whole(
    tmp_path: Path, place: int
) -> None:
    async def put(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)

    async def miss(cache: DiskCache) -> None:
        assert await cache.open(KEY) is None

    using(tmp_path, put)
    path = file_of(tmp_path)
    torn = bytearray(path.read_bytes())
    torn[place] ^= 1
    path.write_bytes(torn)
    using(tmp_path, miss)
    assert not path.exists()


def test_a_shortened_entry_is_none(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)
        (await entry_of(cache)).close()
        os.truncate(file_of(tmp_path), 5_000)
        assert await cache.open(KEY) is None

    using(tmp_path, work)


def test_what_was_proven_whole_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proofs: list[str] = []
    whole = OpenEntry.whole

    def counted(entry: OpenEntry, key: str) -> bool:
        proofs.append(key)
        return whole(entry, key)

    async def work(cache: DiskCache) -> None:
        for body in (BODY, BODY[1:]):
            await cache.put(KEY, META, body)
            for _ in range(3):
                entry = await entry_of(cache)
                assert entry.size == len(body)
                entry.close()

    monkeypatch.setattr(OpenEntry, "whole", counted)
    monkeypatch.setattr("gateway.caches.disk._PROVEN", 1)
    using(tmp_path, work)
    assert proofs == [KEY, KEY], "once each: another file under the name is another entry"


def test_whoever_leaves_while_it_is_opened_leaves_no_file_open(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)
        asking = [asyncio.create_task(cache.open(KEY)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await cache.aclose()  # waits for the threads
        async with asyncio.timeout(10):
            while open_below(tmp_path):  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    using(tmp_path, work)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, BODY)
        entry = await entry_of(cache)
        entry.close()
        entry.close()
        with pytest.raises(OSError, match="descriptor"):
            await entry.read(0, 1)

    using(tmp_path, work)
