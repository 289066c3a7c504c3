"""The pool outlives its workers, its deadlines and its callers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop
from PIL import Image

from imaging.errors import BrokenSource, PageMissing, PoolBusy, SourceTooLarge, WorkerLost
from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.rendered import ENGINE_VERSION
from imaging.workers.pool import Lifetime, RenderPool

ROOT = Path(__file__).resolve().parents[2]
SMALL = Rendition(width=160)


@pytest.fixture(scope="module")
def photo(darkroom) -> bytes:
    return darkroom.file(darkroom.quarters())


@asynccontextmanager
async def running(workers: int = 1, **options) -> AsyncIterator[RenderPool]:
    pool = RenderPool(workers, **options)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.aclose()


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "not in 20 s"
        await asyncio.sleep(0.005)


def gone(pid: int) -> bool:
    """Whether a process ended; one that only waits to be reaped did."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def soft_limits(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


def test_it_renders_and_describes(photo: bytes) -> None:
    async def main() -> None:
        async with running(2) as pool:
            rendered = await pool.render(photo, SMALL)
            assert (rendered.width, rendered.height) == (160, 120)
            assert rendered.media_type == "image/jpeg"
            described = await pool.describe(photo)
            assert (described.media_type, described.width, described.pages) == (
                "image/jpeg",
                800,
                1,
            )
            assert (pool.depth, pool.busy) == (0, 0)

    asyncio.run(main())


def test_it_works_on_uvloop(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            assert (await pool.render(photo, SMALL)).width == 160
            os.kill(pool.pids[0], signal.SIGKILL)
            assert (await pool.render(photo, SMALL)).width == 160

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_errors_come_across_whole_and_the_worker_stays(darkroom, photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            before = pool.pids
            with pytest.raises(BrokenSource) as broken:
                await pool.render(b"nothing", SMALL)
            assert broken.value.reason == "unsupported"
            with pytest.raises(PageMissing) as missing:
                await pool.render(darkroom.tiff(2), Rendition(page=3, width=160))
            assert missing.value.pages == 2
            with pytest.raises(SourceTooLarge) as large:
                await pool.render(darkroom.many_scans(100), SMALL)
            assert large.value.reason == "scans"
            assert pool.pids == before

    asyncio.run(main())


def test_limits_go_along_with_the_job(photo: bytes) -> None:
    async def main() -> None:
        async with running(limits=Limits(pixels=1000)) as pool:
            with pytest.raises(SourceTooLarge, match="pixels"):
                await pool.describe(photo)
        async with running(limits=Limits(octets=100)) as pool:
            with pytest.raises(SourceTooLarge, match="octets"):
                await pool.describe(photo)

    asyncio.run(main())


def test_a_worker_killed_in_mid_job_is_replaced_and_the_job_is_done_after_all(photo: bytes) -> None:
    async def main() -> None:
        async with running(2) as pool:
            before = set(pool.pids)
            victim = await stopped(pool)
            jobs = [asyncio.create_task(pool.render(photo, SMALL)) for _ in range(4)]
            await until(lambda: sum(job.done() for job in jobs) == 3)
            os.kill(victim, signal.SIGKILL)
            answers = await asyncio.gather(*jobs)
            assert {answer.width for answer in answers} == {160}
            assert before - set(pool.pids) == {victim}
            assert len(pool.pids) == 2

    asyncio.run(main())


async def stopped(pool: RenderPool) -> int:
    """Stops the worker whose turn is next, so that a job is sure to be in it."""
    victim = pool.pids[-1]
    os.kill(victim, signal.SIGSTOP)
    return victim


def test_a_job_that_takes_too_long_is_ended(photo: bytes) -> None:
    async def main() -> None:
        async with running(timeout=2.0) as pool:
            victim = await stopped(pool)
            with pytest.raises(WorkerLost, match="timeout"):
                await pool.render(photo, SMALL)
            assert gone(victim)
            assert (await pool.render(photo, SMALL)).width == 160

    asyncio.run(main())


def test_a_job_out_of_cpu_time_is_not_tried_again(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            victim = await stopped(pool)
            job = asyncio.create_task(pool.render(photo, SMALL))
            await until(lambda: pool.busy == 1)
            os.kill(victim, signal.SIGXCPU)
            os.kill(victim, signal.SIGCONT)
            with pytest.raises(WorkerLost, match="timeout"):
                await job

    asyncio.run(main())


def test_a_cancelled_job_leaves_a_fresh_worker(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            victim = await stopped(pool)
            job = asyncio.create_task(pool.render(photo, SMALL))
            await until(lambda: pool.busy == 1)
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
            assert gone(victim)
            assert (await pool.render(photo, SMALL)).width == 160

    asyncio.run(main())


def test_a_full_queue_refuses_at_once(photo: bytes) -> None:
    async def main() -> None:
        async with running(1, queue=1) as pool:
            victim = await stopped(pool)
            jobs = [asyncio.create_task(pool.render(photo, SMALL)) for _ in range(2)]
            await until(lambda: pool.depth == 1)
            with pytest.raises(PoolBusy) as busy:
                await pool.render(photo, SMALL)
            assert busy.value.retry_after > 0
            os.kill(victim, signal.SIGCONT)
            assert {answer.width for answer in await asyncio.gather(*jobs)} == {160}
            assert pool.depth == 0

    asyncio.run(main())


def test_a_worker_is_replaced_after_its_share_of_jobs(photo: bytes) -> None:
    async def main() -> None:
        async with running(lifetime=Lifetime(jobs=3)) as pool:
            seen = []
            for _ in range(6):
                seen.append(pool.pids[0])
                with suppress(BrokenSource):  # a refused source is a job as well
                    await pool.describe(photo if len(seen) % 2 else b"no picture")
            assert seen[0] == seen[2] != seen[3] == seen[5]

    asyncio.run(main())


def test_no_job_waits_for_a_replaced_worker_while_another_is_free(photo: bytes) -> None:
    async def main() -> None:
        async with running(2, lifetime=Lifetime(jobs=2)) as pool:
            before = pool.pids
            for _ in range(4):
                await pool.describe(photo)
            assert not set(pool.pids) & set(before), "each has had two of them"

    asyncio.run(main())


def test_a_worker_that_has_grown_too_large_is_replaced(photo: bytes) -> None:
    async def main() -> None:
        async with running(lifetime=Lifetime(octets=1)) as pool:
            before = pool.pids
            assert (await pool.describe(photo)).width == 800
            assert pool.pids != before
            assert (await pool.describe(photo)).width == 800

    asyncio.run(main())


def test_another_format_is_made_of_what_a_worker_keeps(photo: bytes) -> None:
    async def main() -> None:
        async with running(2) as pool:
            webp = Rendition(width=160, format="webp")
            assert await pool.recall(webp, "name") is None, "nobody has it yet"
            await pool.render(photo, SMALL, "name")
            shared = await pool.recall(webp, "name")
            assert shared == await pool.render(photo, webp)
            assert await pool.recall(webp, "other") is None
            assert await pool.recall(Rendition(width=161, format="webp"), "name") is None

    asyncio.run(main())


def test_a_named_job_needs_its_source_only_once(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            first = await pool.render(photo, SMALL, "name")
            # The name stands for the octets: they are not looked at again.
            assert await pool.render(b"no picture", SMALL, "name") == first
            with pytest.raises(BrokenSource):
                await pool.render(b"no picture", SMALL, "other")

    asyncio.run(main())


def test_a_picture_that_is_being_made_is_waited_for(photo: bytes) -> None:
    async def main() -> None:
        async with running(2) as pool:
            victim = await stopped(pool)
            making = asyncio.create_task(pool.render(photo, SMALL, "name"))
            await until(lambda: pool.busy == 1)
            webp = asyncio.create_task(pool.recall(Rendition(width=160, format="webp"), "name"))
            assert (await pool.describe(photo)).width == 800, "the other worker is free"
            assert not webp.done()
            os.kill(victim, signal.SIGCONT)
            await making
            made = await webp
            assert made is not None
            assert made.media_type == "image/webp"

    asyncio.run(main())


def test_a_worker_that_was_replaced_keeps_nothing(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            await pool.render(photo, SMALL, "name")
            os.kill(pool.pids[0], signal.SIGKILL)
            await until(lambda: not pool.pids)
            assert await pool.recall(SMALL, "name") is None
            assert (await pool.render(photo, SMALL, "name")).width == 160
        async with running(lifetime=Lifetime(jobs=1)) as pool:
            await pool.render(photo, SMALL, "name")
            assert await pool.recall(SMALL, "name") is None

    asyncio.run(main())


def test_a_forgotten_picture_is_made_again(darkroom) -> None:
    wide = darkroom.file(Image.new("RGB", (4000, 1000)))
    full = Rendition(width=4000, format="jpeg")  # more than a memo takes

    async def main() -> None:
        async with running() as pool:
            first = await pool.render(wide, full, "name")
            assert await pool.recall(full, "name") is None
            assert await pool.render(wide, full, "name") == first

    asyncio.run(main())


def test_a_master_comes_and_goes_between_pool_and_workers(darkroom) -> None:
    page = Rendition(width=160, page=1, format="webp")
    source = darkroom.file(darkroom.quarters((2500, 1700)), "TIFF", compression="tiff_deflate")

    async def main() -> None:
        async with running() as pool:
            made = await pool.render(source, page, develop=True)
            origin = "image/tiff", len(source)
            again = await pool.reprint(made.master, page, "", origin)
            assert (again.width, again.height) == (made.width, made.height)
            assert again.effort == f"{made.effort}-master"

    asyncio.run(main())


def test_whoever_leaves_the_line_leaves_no_gap(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            victim = await stopped(pool)
            jobs = [asyncio.create_task(pool.render(photo, SMALL)) for _ in range(3)]
            await until(lambda: pool.depth == 2)
            jobs[1].cancel()
            os.kill(victim, signal.SIGCONT)
            assert (await jobs[0]).width == (await jobs[2]).width == 160
            assert (pool.busy, pool.depth) == (0, 0)

    asyncio.run(main())


def test_the_process_with_the_keys_loads_no_decoder() -> None:
    loads = "import imaging.workers.pool; print(*sys.modules)"
    code = f"import sys; sys.path.insert(0, sys.argv[1]); {loads}"
    command = [sys.executable, "-c", code, str(ROOT)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "PIL" not in told.stdout.split()


def test_closing_ends_jobs_and_leaves_no_process(photo: bytes) -> None:
    async def main() -> None:
        pool = RenderPool(2)
        await pool.start()
        pids = pool.pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        jobs = [asyncio.create_task(pool.render(photo, SMALL)) for _ in range(5)]
        await until(lambda: pool.depth == 3)
        await pool.aclose()
        answers = await asyncio.gather(*jobs, return_exceptions=True)
        assert {type(answer) for answer in answers} == {PoolBusy}
        assert all(gone(pid) for pid in pids)
        assert pool.pids == ()
        with pytest.raises(PoolBusy):
            await pool.render(photo, SMALL)
        await pool.aclose()

    asyncio.run(main())


def test_a_pool_that_was_not_started_starts_at_its_first_job(photo: bytes) -> None:
    async def main() -> None:
        pool = RenderPool(1)
        assert pool.pids == ()
        assert (await pool.describe(photo)).width == 800
        await pool.aclose()

    asyncio.run(main())


def test_workers_that_cannot_start_show_at_the_start(photo: bytes, tmp_path: Path) -> None:
    async def started(executable: Path) -> None:
        pool = RenderPool(1, executable=str(executable))
        with pytest.raises(WorkerLost, match="start"):
            await pool.start()
        assert pool.pids == ()
        with pytest.raises(PoolBusy):
            await pool.render(photo, SMALL)

    asyncio.run(started(tmp_path / "missing"))
    asyncio.run(started(Path("/bin/true")))


SAY = """
import json, socket, struct
def say(head, body=b""):
    text = json.dumps(head).encode()
    channel.sendall(struct.pack("!4sIQ", b"OSI1", len(text), len(body)) + text + body)
channel = socket.socket(fileno=0)
"""
GREET = f'say({{"ready": "{ENGINE_VERSION}"}}); channel.recv(20)\n'
FORGED = {"media_type": "text/html", "width": 1, "height": 1, "quality": 1, "effort": ""}


def impostor(folder: Path, does: str) -> str:
    """A worker that a hostile source has taken over: it says what it likes."""
    path = folder / "impostor"
    path.write_text(f"#!{sys.executable}\n{SAY}{does}\nchannel.recv(1 << 20)\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "does",
    [
        f'say({{"ok": "rendered", **{FORGED}}}, b"<script>")',
        'say({"ok": "described", "media_type": "", "width": 1, "height": 1, "pages": 1})',
        'channel.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n")',
        "raise SystemExit",
    ],
    ids=["another type", "another question", "no frame", "dies"],
)
def test_a_worker_that_dies_or_lies_is_given_up_after_two_tries(
    photo: bytes, tmp_path: Path, does: str
) -> None:
    async def main() -> None:
        async with running(executable=impostor(tmp_path, GREET + does)) as pool:
            with pytest.raises(WorkerLost, match="crash"):
                await pool.render(photo, SMALL)
            assert pool.pids == ()

    asyncio.run(main())


def test_workers_of_another_engine_are_not_used(tmp_path: Path) -> None:
    async def main() -> None:
        pool = RenderPool(1, executable=impostor(tmp_path, 'say({"ready": "older"})'))
        with pytest.raises(WorkerLost, match="start"):
            await pool.start()
        assert pool.pids == ()

    asyncio.run(main())


@pytest.mark.parametrize("program", ["/bin/true", "/nowhere/python"])
def test_a_worker_that_does_not_come_up_is_no_fault_of_the_document(
    photo: bytes, program: str
) -> None:
    async def main() -> None:
        pool = RenderPool(1, executable=program)
        with pytest.raises(PoolBusy):
            await pool.render(photo, SMALL)
        await pool.aclose()

    asyncio.run(main())


def test_a_worker_knows_no_secret_and_is_confined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_SIGNING__KEYS", "secret")

    async def main() -> None:
        async with running() as pool:
            proc = Path(f"/proc/{pool.pids[0]}")
            assert (proc / "environ").read_bytes() == b""
            held = {int(fd.name): os.readlink(fd) for fd in (proc / "fd").iterdir()}
            # qpdf keeps its source of randomness.
            assert [fd for fd, path in held.items() if path != "/dev/urandom"] == [0, 1, 2]
            soft = soft_limits(pool.pids[0])
            assert soft["Max file size"] == "0"
            assert soft["Max core file size"] == "0"
            assert soft["Max open files"] == "32"
            assert 1 << 30 < int(soft["Max address space"]) < 3 << 30

    asyncio.run(main())


def test_cpu_time_is_given_anew_to_each_job(photo: bytes) -> None:
    async def main() -> None:
        async with running() as pool:
            await pool.describe(photo)
            assert 10 <= int(soft_limits(pool.pids[0])["Max cpu time"]) <= 20

    asyncio.run(main())


PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from imaging.workers.pool import RenderPool
async def main():
    pool = RenderPool(2)
    await pool.start()
    print(*pool.pids, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_workers_die_with_their_parent() -> None:
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(root)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    asyncio.run(until(lambda: all(gone(pid) for pid in pids)))


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"workers": 1, "queue": -1}, {"workers": 1, "timeout": 0}]
)
def test_an_impossible_pool_cannot_be_built(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a pool needs"):
        RenderPool(**options)
