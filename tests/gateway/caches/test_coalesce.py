"""Coalescing: one load per key, which no caller can stop for the others."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.caches.coalesce import Coalescer, Stripes
from gateway.errors import Overloaded, StoreUnavailable


class Origin:
    """Counts its loads, and ends them when told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.loads = 0
        self.ended = 0
        self.gate = asyncio.Event()
        self.failure = failure

    async def load(self) -> str:
        self.loads += 1
        await self.gate.wait()
        self.ended += 1
        if self.failure:
            raise self.failure
        return "value"


async def settle() -> None:
    """Let every ready task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_thousand_callers_share_one_load() -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin()
        callers = [asyncio.create_task(loads.load("k", origin.load)) for _ in range(1000)]
        await settle()
        assert "k" in loads
        origin.gate.set()
        assert set(await asyncio.gather(*callers)) == {"value"}
        assert (origin.loads, len(loads), "k" in loads) == (1, 0, False)

    asyncio.run(run())


def test_keys_do_not_share_and_a_later_caller_loads_anew() -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin()
        origin.gate.set()
        await asyncio.gather(loads.load("a", origin.load), loads.load("b", origin.load))
        await loads.load("a", origin.load)
        assert origin.loads == 3

    asyncio.run(run())


@pytest.mark.parametrize("leaving", [0, 1])
def test_a_caller_that_leaves_stops_nothing_for_the_others(leaving: int) -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin()
        callers = [asyncio.create_task(loads.load("k", origin.load)) for _ in range(3)]
        await settle()
        callers[leaving].cancel()
        await settle()
        origin.gate.set()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert isinstance(results.pop(leaving), asyncio.CancelledError)
        assert (results, origin.loads) == (["value", "value"], 1)

    asyncio.run(run())


def test_with_every_caller_gone_the_load_still_ends() -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin()
        caller = asyncio.create_task(loads.load("k", origin.load))
        await settle()
        caller.cancel()
        await settle()
        origin.gate.set()
        await settle()
        assert (origin.ended, len(loads)) == (1, 0)

    asyncio.run(run())


def test_an_error_reaches_every_waiter_and_is_not_kept() -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin(StoreUnavailable("down"))
        callers = [asyncio.create_task(loads.load("k", origin.load)) for _ in range(3)]
        await settle()
        origin.gate.set()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert results == [origin.failure] * 3
        origin.failure = None
        assert await loads.load("k", origin.load) == "value"

    asyncio.run(run())


def test_an_error_that_nobody_waits_for_is_no_noise() -> None:
    async def run() -> list[dict[str, object]]:
        noise: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
        loads, origin = Coalescer[str, str](), Origin(StoreUnavailable("down"))
        caller = asyncio.create_task(loads.load("k", origin.load))
        await settle()
        caller.cancel()
        origin.gate.set()
        await settle()
        assert origin.ended == 1
        return noise

    assert asyncio.run(run()) == []


def test_waiters_of_a_stopped_load_are_told_to_come_again() -> None:
    async def run() -> None:
        loads, origin = Coalescer[str, str](), Origin()
        callers = [asyncio.create_task(loads.load("k", origin.load)) for _ in range(2)]
        await settle()
        await loads.aclose()
        results = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(result, Overloaded) for result in results)
        assert len(loads) == 0

    asyncio.run(run())


def test_a_stripe_has_one_holder_at_a_time(tmp_path: Path) -> None:
    async def work(stripes: Stripes) -> None:
        nonlocal inside, most
        async with stripes.hold("k") as held:
            assert held
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async def run() -> None:
        await asyncio.gather(*(work(Stripes(tmp_path)) for _ in range(8)))

    inside = most = 0
    asyncio.run(run())
    assert most == 1


def test_other_stripes_are_free(tmp_path: Path) -> None:
    async def run() -> None:
        stripes = Stripes(tmp_path)
        async with stripes.hold("a", 0), stripes.hold("b", 0):
            pass

    asyncio.run(run())


def test_a_held_stripe_is_not_waited_for_beyond_the_patience(tmp_path: Path) -> None:
    async def run() -> None:
        stripes = Stripes(tmp_path, count=1)
        async with stripes.hold("a"):
            with pytest.raises(Overloaded):
                async with stripes.hold("b", 0.02):
                    pytest.fail("entered")
        async with stripes.hold("b", 0):
            pass

    asyncio.run(run())


def test_a_cancelled_or_failed_holder_lets_go(tmp_path: Path) -> None:
    async def fail(stripes: Stripes, error: BaseException) -> None:
        async with stripes.hold("k"):
            raise error

    async def run() -> None:
        stripes = Stripes(tmp_path)
        for error in [ValueError(), asyncio.CancelledError()]:
            with pytest.raises(type(error)):
                await fail(stripes, error)
            async with stripes.hold("k", 0) as held:
                assert held

    asyncio.run(run())


HOLDER = """
import asyncio, sys
from pathlib import Path
from gateway.caches.coalesce import Stripes

async def run():
    async with Stripes(Path(sys.argv[1])).hold("k"):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(run())
"""


def test_another_process_is_waited_for_and_its_death_lets_go(tmp_path: Path) -> None:
    async def run(holder: subprocess.Popen[bytes]) -> None:
        stripes = Stripes(tmp_path)
        with pytest.raises(Overloaded):
            async with stripes.hold("k", 0.02):
                pytest.fail("entered")
        os.kill(holder.pid, signal.SIGKILL)
        async with stripes.hold("k", 30) as held:
            assert held

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"held\n"
            asyncio.run(run(holder))
        finally:
            holder.kill()


def test_without_a_lock_file_work_goes_on_unheld(tmp_path: Path) -> None:
    async def run() -> None:
        stripes = Stripes(tmp_path / "locks", count=1)
        (tmp_path / "locks").rmdir()
        async with stripes.hold("k") as held:
            assert not held

    asyncio.run(run())
