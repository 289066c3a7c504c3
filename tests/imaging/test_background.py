"""A background worker improves behind the filter, gives way to all, and goes when it rests."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from imaging.encoding.improving import improved
from imaging.engine import render
from imaging.errors import BrokenSource, PoolBusy
from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.workers import protocol
from imaging.workers.background import answer, find_examiner, prepare, unexamined
from imaging.workers.pool import RenderPool
from imaging.workers.processes import BACKGROUND

ROOT = Path(__file__).resolve().parents[2]
AVIF = Rendition(width=640, format="avif")


@pytest.fixture(scope="module")
def photo(darkroom) -> bytes:
    return darkroom.file(darkroom.texture((1200, 900)), quality=92)


@asynccontextmanager
async def workshop() -> AsyncIterator[RenderPool]:
    pool = RenderPool(1, queue=0, timeout=120, module=BACKGROUND)
    try:
        yield pool
    finally:
        await pool.aclose()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "not in 60 s"
        await asyncio.sleep(0.005)


def test_it_makes_the_same_as_this_process_would(photo: bytes) -> None:
    async def main() -> None:
        async with workshop() as pool:
            assert pool.pids == (), "it begins with its first job"
            for format in ("jpeg", "webp", "avif"):
                rendition = Rendition(width=320, format=format)
                finish = partial(improved, examiner=find_examiner())
                expected = render(photo, rendition, finish=finish)
                assert await pool.improve(photo, rendition) == expected
            assert (await pool.describe(photo)).width == 1200
            [pid] = pool.pids
            assert os.getpriority(os.PRIO_PROCESS, pid) == 19
            assert os.sched_getscheduler(pid) == os.SCHED_BATCH
            with pytest.raises(BrokenSource, match="unsupported"):
                await pool.improve(b"nothing", AVIF)

    asyncio.run(main())


def test_it_is_gone_while_it_rests_and_comes_again(photo: bytes) -> None:
    async def main() -> None:
        async with workshop() as pool:
            await pool.rest()
            await pool.describe(photo)
            [pid] = pool.pids
            await pool.rest()
            assert pool.pids == ()
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
            await pool.describe(photo)
            assert pool.pids != (pid,)

    asyncio.run(main())


def test_on_a_machine_without_time_to_spare_it_starts_slowly(
    photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imaging.workers.seats._STARTUP", 0.001)

    async def main() -> None:
        async with workshop() as pool:
            assert (await pool.describe(photo)).width == 1200

    asyncio.run(main())


def test_a_worker_in_a_job_is_not_sent_to_rest(photo: bytes) -> None:
    async def main() -> None:
        async with workshop() as pool:
            await pool.describe(photo)
            job = asyncio.create_task(pool.improve(photo, AVIF))
            await until(lambda: pool.busy == 1)
            before = pool.pids
            await pool.rest()
            assert pool.pids == before
            with pytest.raises(PoolBusy):
                await pool.improve(photo, AVIF)
            assert (await job).media_type == "image/avif"

    asyncio.run(main())


def test_one_that_is_killed_in_mid_job_does_it_again(photo: bytes) -> None:
    async def main() -> None:
        async with workshop() as pool:
            await pool.describe(photo)
            [pid] = pool.pids
            job = asyncio.create_task(pool.improve(photo, AVIF))
            await until(lambda: pool.busy == 1)
            os.kill(pid, signal.SIGKILL)
            assert (await job).media_type == "image/avif"
            assert pool.pids != (pid,)

    asyncio.run(main())


def test_whoever_waits_has_no_worker_that_improves(photo: bytes) -> None:
    async def main() -> None:
        pool = RenderPool(1)
        try:
            with pytest.raises(BrokenSource, match="unsupported"):
                await pool.improve(photo, AVIF)
        finally:
            await pool.aclose()

    asyncio.run(main())


def test_numpy_is_loaded_in_the_background_alone() -> None:
    modules = "imaging.workers.worker, imaging.workers.background"
    program = f"import sys, {modules}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.fixture
def unbound() -> Iterator[None]:
    """A job bounds its process's time: this one's is given back."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    yield
    resource.setrlimit(resource.RLIMIT_CPU, before)


@pytest.mark.usefixtures("unbound")
def test_it_answers_improvements_errors_and_all_that_others_answer(photo: bytes) -> None:
    request = protocol.improve_request(Rendition(width=160, format="avif"), Limits())
    head = protocol.Head(request)
    reply, body = answer(head, photo, unexamined)
    assert protocol.rendered_of(protocol.Head(reply), body).effort == "s6"
    with pytest.raises(BrokenSource, match="unsupported"):
        protocol.rendered_of(protocol.Head(answer(head, b"nothing", unexamined)[0]), b"")
    reply, body = answer(protocol.Head(protocol.describe_request(Limits())), photo, unexamined)
    assert (reply["width"], body) == (1200, b"")


def test_without_numpy_nothing_is_judged_and_all_is_still_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "imaging.encoding.judging", None)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    examiner = find_examiner()
    assert examiner is unexamined
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    prepare(examiner)
