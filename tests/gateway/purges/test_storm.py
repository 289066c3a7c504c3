"""10,000 purges through a storm of failures, while the worker is killed again and again."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cdn.purge import PurgeState
from cdn.tags import bucket_tag, folder_tag, zone_tag
from gateway.documents import DocumentRef, Zone
from gateway.purges import PurgeRequest, Purges
from gateway.state.database import Database
from tests.stub_cdn import Faults, StubCdn, serving, setup_for
from tests.stub_cdn.contracts import Bucket, Contract

pytestmark = pytest.mark.slow

PURGES, ASKED_AT_ONCE = 10_000, 500
CLINIC = Zone("clinic", "main", ("documents",), cdn=("edge",))
STORM = Faults(
    ("", "", "", "429", "", "500", "", "cut", "", "503", "", "lost", "", "hang"), again=True
)
RATE = Contract(batch=512, calls=Bucket(10, 5), names=Bucket(4_000, 1_000))
# The next call may go three seconds after the third: longer than a worker takes to start.
SLOW = Contract(batch=1, calls=Bucket(3, 0.3))

WORKER = """
import asyncio, pathlib, sys, time
import httpx
from cdn.providers import Tools
from cdn.providers.base import Limits
from cdn.providers.fastly import Fastly
from cdn.setups import Setup
from gateway.purges import Pacing, PurgeWorker
from gateway.state.database import Database

path, url, id, secret, backlog, batch, rate, burst, tag_rate, tag_burst = sys.argv[1:]
pacing = Pacing(
    second_pass=0.5, settling=0.1, shortest_pause=0.02, longest_pause=0.1, call=0.3, lease=0.6,
    poll=0.05, lead=0.01, look=0.05, backlog=float(backlog),
)

async def main():
    async with httpx.AsyncClient(timeout=10) as client:
        tools = Tools(client, time.time, None, None)
        edge = Fastly(Setup("edge", url, id, secret=secret), tools)
        buckets = map(float, (rate, burst, tag_rate, tag_burst))
        edge.limits = Limits(int(batch), *buckets)
        await PurgeWorker(Database.open(pathlib.Path(path)), {"edge": edge}, pacing).run()

asyncio.run(main())
"""


def begun(path: Path, stub: StubCdn, url: str, backlog: float = 300.0) -> subprocess.Popen[bytes]:
    """A worker that keeps to the stub's contract, and collapses what takes it longer."""
    setup, bears = setup_for("fastly", url), stub.contract
    limits = (bears.batch, bears.calls.rate, bears.calls.burst)
    counted = (bears.names.rate or "inf", bears.names.burst)
    arguments = (path, setup.url, setup.id, setup.secret, backlog, *limits, *counted)
    command = [sys.executable, "-c", WORKER, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def killing(path: Path, stub: StubCdn, url: str, backlog: float = 300.0) -> None:
    """Keep a worker at work, and kill it after every few calls, until cancelled."""
    worker = begun(path, stub, url, backlog)
    try:
        while True:
            # Not by the clock: on a busy machine it would die before it has done anything.
            enough = stub.calls + random.randint(4, 16)
            while stub.calls < enough:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            worker.kill()
            worker.wait()
            worker = begun(path, stub, url, backlog)
    finally:
        worker.kill()
        worker.wait()


async def asked(purges: Purges) -> list[str]:
    """10,000 purges of as many documents, and of some of them twice, a few of them revocations."""
    found: list[str] = []
    for first in range(0, PURGES, ASKED_AT_ONCE):
        requests = [
            (PurgeRequest((DocumentRef("clinic", "documents", str(n * 7 % 9_000)),)), n % 2 == 0)
            for n in range(first, first + ASKED_AT_ONCE)
        ]
        told = await purges.ask_each(requests, by="", reason="", now=time.time())
        found += [status.id for status in told]
        revoked = await purges.revoke([f"d:clinic/documents/{first}"], by="", now=time.time())
        found.append(revoked.id)
    return found


def unconfirmed(database: Database) -> int:
    """How many jobs are not done, or not settled."""
    jobs = "SELECT count(*) FROM purge_job WHERE state <> 'done' UNION ALL"
    found = database.read_now(
        lambda c: c.execute(f"{jobs} SELECT count(*) FROM purge_settling").fetchall()
    )
    return sum(count for (count,) in found)


def test_of_ten_thousand_purges_none_is_lost_and_no_limit_is_exceeded(
    database: Database, path: Path
) -> None:
    stub = StubCdn("fastly", STORM, contract=RATE)
    purges = Purges(database, {"edge": _Soft()}, {"clinic": CLINIC})  # type: ignore[dict-item]

    async def work() -> list[str]:
        async with serving(stub) as url:
            killer = asyncio.create_task(killing(path, stub, url))
            try:
                found = await asked(purges)
                async with asyncio.timeout(400):
                    while await asyncio.to_thread(unconfirmed, database):  # noqa: ASYNC110
                        await asyncio.sleep(0.2)
            finally:
                killer.cancel()
                with suppress(asyncio.CancelledError):
                    await killer
            states = {(await purges.status(purge)).state for purge in found}  # type: ignore[union-attr]
            assert states == {PurgeState.CONFIRMED}
            return found

    assert len(asyncio.run(work())) == PURGES + PURGES // ASKED_AT_ONCE
    told = {name for order in stub.taken for name in order.names}
    assert told >= {DocumentRef("clinic", "documents", str(n)).id for n in range(9_000)}
    assert stub.throttled == 0
    assert not stub.refused


def test_of_a_queue_that_collapses_while_its_worker_is_killed_nothing_is_lost(
    database: Database, path: Path
) -> None:
    """Each document's tag, or a bigger one, is told after it was asked for, and once more."""
    stub = StubCdn("fastly", STORM, contract=Contract(batch=8, calls=Bucket(8, 20)))
    purges = Purges(database, {"edge": _Soft()}, {"clinic": CLINIC})  # type: ignore[dict-item]
    keys = [f"{folder}/{n}" for folder in range(40) for n in range(25)]
    random.shuffle(keys)

    async def some(first: int) -> str:
        documents = tuple(DocumentRef("clinic", "documents", k) for k in keys[first : first + 50])
        purge = await purges.ask(
            PurgeRequest(documents), soft=first % 100 == 0, by="", reason="", now=time.time()
        )
        return purge.id

    async def work() -> None:
        async with serving(stub) as url:
            killer = asyncio.create_task(killing(path, stub, url, 1.0))
            try:
                found = []
                for first in range(0, len(keys), 50):
                    found.append(await some(first))
                    await asyncio.sleep(0.05)
                async with asyncio.timeout(300):
                    while await asyncio.to_thread(unconfirmed, database):  # noqa: ASYNC110
                        await asyncio.sleep(0.2)
            finally:
                killer.cancel()
                with suppress(asyncio.CancelledError):
                    await killer
            states = {(await purges.status(purge)).state for purge in found}  # type: ignore[union-attr]
            assert states == {PurgeState.CONFIRMED}

    asyncio.run(work())
    told = {name for order in stub.taken for name in order.names}
    whole = {bucket_tag("clinic", "documents"), zone_tag("clinic")}
    for key in keys:
        document = DocumentRef("clinic", "documents", key).id
        assert told & {document, folder_tag("clinic", "documents", key.split("/")[0]), *whole}
    assert told - {DocumentRef("clinic", "documents", key).id for key in keys}, "nothing collapsed"
    assert stub.throttled == 0
    assert not stub.refused


def test_a_worker_that_follows_a_killed_one_has_no_more_than_was_left_to_it(
    database: Database, path: Path
) -> None:
    stub = StubCdn("fastly", contract=SLOW)
    purges = Purges(database, {"edge": _Soft()}, {"clinic": CLINIC})  # type: ignore[dict-item]

    async def called(times: int) -> None:
        async with asyncio.timeout(60):
            while stub.calls < times:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def work() -> None:
        documents = tuple(DocumentRef("clinic", "documents", str(n)) for n in range(9))
        await purges.ask(PurgeRequest(documents), soft=False, by="", reason="", now=time.time())
        async with serving(stub) as url:
            for times in (2, 3, 4):
                worker = begun(path, stub, url)
                try:
                    await called(times)
                finally:
                    worker.kill()
                    worker.wait()

    asyncio.run(work())
    assert stub.throttled == 0
    assert len(stub.taken) >= 4


def test_revocations_go_before_edits_though_every_worker_is_killed(
    database: Database, path: Path
) -> None:
    stub = StubCdn("fastly", contract=Contract(batch=1, calls=Bucket(5, 20)))
    purges = Purges(database, {"edge": _Soft()}, {"clinic": CLINIC})  # type: ignore[dict-item]
    edited = tuple(DocumentRef("clinic", "documents", str(n)) for n in range(300))
    before = []

    async def killed_after(url: str, calls: int) -> None:
        enough, worker = stub.calls + calls, begun(path, stub, url)
        try:
            async with asyncio.timeout(60):
                while stub.calls < enough:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        finally:
            worker.kill()
            worker.wait()

    async def work() -> None:
        await purges.ask(PurgeRequest(edited), soft=True, by="", reason="", now=time.time())
        async with serving(stub) as url:
            for number in range(4):
                await killed_after(url, 3)
                before.append(len(stub.taken))
                revoked = [f"d:clinic/documents/revoked-{number}"]
                await purges.revoke(revoked, by="", now=time.time())
            await killed_after(url, 3)

    asyncio.run(work())
    orders = list(stub.taken)
    assert sum(order.soft for order in orders) > len(before)
    for number, first in enumerate(before):
        tag = DocumentRef("clinic", "documents", f"revoked-{number}").id
        told = next(i for i, order in enumerate(orders) if tag in order.names)
        # One call may have been on the wire when its worker was killed.
        assert sum(order.soft for order in orders[first:told]) <= 1


class _Soft:
    """All that asking needs to know of a provider."""

    name, soft = "edge", True
