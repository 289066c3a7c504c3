"""The disk cache: an entry is absent or whole, whatever happens to process and disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.caches.disk import LARGEST_BODY, DiskCache
from gateway.caches.entry import CachedFile

KEY = "ab" * 32
META = {"type": "image/webp", "width": 640}
MEGABYTE = 1024 * 1024


@asynccontextmanager
async def opened(folder: Path, limit: int = 10 * MEGABYTE) -> AsyncIterator[DiskCache]:
    cache = DiskCache(folder, limit)
    try:
        yield cache
    finally:
        await cache.aclose()


def using(
    folder: Path, work: Callable[[DiskCache], Awaitable[None]], limit: int = 10 * MEGABYTE
) -> None:
    async def run() -> None:
        async with opened(folder, limit) as cache:
            await work(cache)

    asyncio.run(run())


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def key(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def test_an_entry_is_found_by_another_process_too(tmp_path: Path) -> None:
    async def put(cache: DiskCache) -> None:
        assert await cache.get(KEY) is None
        assert await cache.put(KEY, META, memoryview(b"body"))

    async def get(cache: DiskCache) -> None:
        assert await cache.get(KEY) == CachedFile(META, b"body")
        assert cache.failures == 0

    using(tmp_path, put)
    using(tmp_path, get)


def test_a_later_put_takes_the_place_and_a_drop_forgets(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, b"old")
        await cache.put(KEY, META, b"new")
        found = await cache.get(KEY)
        assert found is not None
        assert found.body == b"new"
        await cache.drop(KEY)
        await cache.drop(KEY)
        assert await cache.get(KEY) is None

    using(tmp_path, work)
    assert files(tmp_path) == []


def test_what_is_absent_costs_no_thread(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        before = threading.active_count()
        assert await cache.get(KEY) is None
        assert await cache.open(KEY) is None
        assert threading.active_count() == before

    using(tmp_path, work)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, b"body")

    using(tmp_path / "cache", work)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert set(modes.values()) == {0o600, 0o700}
    assert modes[tmp_path / "cache" / "ab" / KEY] == 0o600


@pytest.mark.parametrize(
    "bad", ["", "ab", "../../etc/passwd", "AB" * 32, "ab" * 31 + "/.", "ab" * 65, KEY + "\n"]
)
def test_a_key_is_a_hex_digest(tmp_path: Path, bad: str) -> None:
    async def work(cache: DiskCache) -> None:
        for call in [cache.get(bad), cache.put(bad, META, b""), cache.drop(bad)]:
            with pytest.raises(ValueError, match="hex"):
                await call

    using(tmp_path, work)


@pytest.mark.parametrize("size", [0, 1, 51, 52, 80, 100])
def test_a_torn_file_is_a_miss_and_goes(tmp_path: Path, size: int) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, bytes(100))
        os.truncate(tmp_path / "ab" / KEY, size)
        assert await cache.get(KEY) is None

    using(tmp_path, work)
    assert files(tmp_path) == []


def test_a_changed_octet_is_a_miss_and_goes(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, bytes(100))
        with (tmp_path / "ab" / KEY).open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
        assert await cache.get(KEY) is None

    using(tmp_path, work)
    assert files(tmp_path) == []


def test_a_folder_or_a_link_in_the_place_of_an_entry_is_a_miss(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        (tmp_path / "ab" / KEY).mkdir(parents=True)
        (tmp_path / "ab" / ("ab" * 31 + "ff")).symlink_to(tmp_path)
        assert await cache.get(KEY) is None
        assert await cache.get("ab" * 31 + "ff") is None

    using(tmp_path, work)


def test_too_large_a_body_is_not_kept(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        assert not await cache.put(KEY, META, bytes(MEGABYTE + 1))
        assert await cache.put(KEY, META, bytes(MEGABYTE))

    async def unlimited(cache: DiskCache) -> None:
        assert not await cache.put(KEY, META, memoryview(bytes(LARGEST_BODY + 1)))

    using(tmp_path, work, limit=2 * MEGABYTE)
    using(tmp_path / "large", unlimited, limit=2**40)


def test_it_stays_within_its_bytes_and_keeps_what_is_used(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        for number in range(100):
            await cache.put(key(number), META, bytes(40_000))
            age(tmp_path, key(number), 1000 - number)
            assert await cache.get(key(0)) is not None

    using(tmp_path, work, limit=MEGABYTE)
    # A sweep that finds another under way leaves it alone: this one comes after all of those.
    using(tmp_path, DiskCache.sweep, limit=MEGABYTE)
    assert MEGABYTE // 2 < sum(path.stat().st_size for path in files(tmp_path)) <= MEGABYTE
    assert (tmp_path / key(0)[:2] / key(0)).exists()


def age(folder: Path, name: str, seconds: int) -> None:
    used_at = time.time() - seconds
    os.utime(folder / name[:2] / name, (used_at, used_at))


def test_a_read_notes_the_use(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, b"body")
        age(tmp_path, KEY, 100)
        await cache.get(KEY)

    before = time.time()
    using(tmp_path, work)
    assert (tmp_path / "ab" / KEY).stat().st_mtime > before - 50


def test_the_first_put_sweeps_what_an_earlier_process_left(tmp_path: Path) -> None:
    async def fill(cache: DiskCache) -> None:
        for number in range(50):
            await cache.put(key(number), META, bytes(40_000))

    async def put(cache: DiskCache) -> None:
        await cache.put(KEY, META, b"one more")

    using(tmp_path, fill)
    using(tmp_path, put, limit=MEGABYTE)
    assert sum(path.stat().st_size for path in files(tmp_path)) <= MEGABYTE


def test_a_cache_folder_that_goes_is_made_again(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        (tmp_path / "cache").rmdir()
        assert await cache.get(KEY) is None
        assert await cache.put(KEY, META, b"body")
        assert await cache.get(KEY) is not None

    using(tmp_path / "cache", work)


def test_a_folder_that_cannot_be_written_is_counted_and_no_error(tmp_path: Path) -> None:
    async def work(cache: DiskCache) -> None:
        (tmp_path / "ab").write_bytes(b"in the way")
        assert not await cache.put(KEY, META, b"body")
        assert await cache.get(KEY) is None
        assert cache.failures == 1

    using(tmp_path, work)


WRITER = """
import asyncio, hashlib, random, sys
from pathlib import Path
from gateway.caches.disk import DiskCache

async def write():
    cache = DiskCache(Path(sys.argv[1]), 1 << 40)
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(8)]
    print("writing", flush=True)
    while True:
        body = random.randbytes(random.choice([10, 30_000, 3_000_000]))
        digest = hashlib.sha256(body).hexdigest()
        await asyncio.gather(
            *(cache.put(key, {"digest": digest}, body) for key in random.sample(keys, 4))
        )

asyncio.run(write())
"""


def kill_while_writing(folder: Path, seconds: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == b"writing\n"
            time.sleep(seconds)
        finally:
            os.kill(writer.pid, signal.SIGKILL)


@pytest.mark.slow
def test_thirty_kills_leave_every_entry_absent_or_whole(tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(30):
        kill_while_writing(tmp_path, chance.uniform(0.0, 0.1))
        finished = [path for path in files(tmp_path) if not path.name.startswith(".")]

        async def check(cache: DiskCache, paths: list[Path] = finished) -> None:
            for path in paths:
                found = await cache.get(path.name)
                assert found is not None
                assert hashlib.sha256(found.body).hexdigest() == found.meta["digest"]

        using(tmp_path, check)
    assert finished
    leftovers = [path for path in files(tmp_path) if path.name.startswith(".")]
    for path in leftovers:
        os.utime(path, (0, 0))
    using(tmp_path, swept)
    assert not any(path.exists() for path in leftovers)


async def swept(cache: DiskCache) -> None:
    await cache.sweep()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NOT SHOWN: a really full disk; it needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_gives_way_and_takes_the_next(small_disk: Path) -> None:
    async def work(cache: DiskCache) -> None:
        kept = [await cache.put(key(number), META, bytes(100_000)) for number in range(40)]
        assert not all(kept)
        assert kept.count(False) == cache.failures < 20
        assert kept.count(True) > 20
        for number in range(40):
            found = await cache.get(key(number))
            assert found is None or found.body == bytes(100_000)

    using(small_disk, work, limit=100 * MEGABYTE)
    assert not any(path.name.startswith(".") for path in files(small_disk))


def test_a_disk_filled_by_others_is_no_error(small_disk: Path) -> None:
    with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as others:
        while True:
            others.write(bytes(4096))
    using(small_disk, refused)


async def refused(cache: DiskCache) -> None:
    assert not await cache.put(KEY, META, bytes(100_000))
    assert await cache.get(KEY) is None
    assert cache.failures == 1


def remount(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True, capture_output=True)


def test_a_disk_turned_read_only_still_gives_what_it_has(small_disk: Path) -> None:
    async def work(cache: DiskCache) -> None:
        await cache.put(KEY, META, b"body")
        age(small_disk, KEY, 100)
        remount(small_disk)
        assert await cache.get(KEY) == CachedFile(META, b"body")
        assert not await cache.put(key(1), META, b"body")
        await cache.drop(KEY)
        assert await cache.get(KEY) is not None

    using(small_disk, work)


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from gateway.caches.disk import DiskCache

async def write():
    cache = DiskCache(Path(sys.argv[1]), 1 << 30)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    small = await cache.put("ab" * 32, {}, bytes(40_000))
    large = await cache.put("cd" * 32, {}, bytes(60_000))
    print(small, large, cache.failures)
    await cache.aclose()

asyncio.run(write())
"""


def test_a_file_size_limit_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "1"]
    assert [path.name for path in files(tmp_path)] == ["ab" * 32]
