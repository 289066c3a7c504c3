"""Revoking against reads and refills through a real Varnish: after the receipt nothing is served.

OSTIARY_RACES says how many races each VCL gets; `make races` runs a thousand.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from cdn.providers import Provider, PurgeReceipt, Tools, build
from gateway.configuration import load
from gateway.edges import Backend, facts_of, rendering
from gateway.probing.standings import bindings
from gateway.purges import Pacing, PurgeTraces, PurgeWorker
from gateway.purges.distributions import distribution
from gateway.settings import Settings
from gateway.state import proofs
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from tests.engines.edges.races import (
    ROUNDS,
    Course,
    Passes,
    Targets,
    Verdict,
    by_folder,
    by_name,
    raced,
)
from tests.engines.edges.running import SECRET, Starter
from tests.engines.edges.ways import Way

pytestmark = [pytest.mark.engines, pytest.mark.slow]

RACES = int(os.environ.get("OSTIARY_RACES", "40"))
SHIELD = "a-shield-of-the-races"
# Longer than any fetch from a gateway on the same machine.
PACING = Pacing(second_pass=1.0, poll=0.02, tick=0.005, lead=0.05)
CDN = '\n[cdn.varnish]\nprovider = "varnish"\nurl = "{url}"\nsecret = "{secret}"\n'
ALL = 1_000_000
FOLDERS = 8


class Counted:
    """A provider as the gateway makes it, whose purges are counted.

    It says yes to every purge of a tag, and carries the first `most` of them out.
    """

    def __init__(self, provider: Provider, passes: Passes, most: int) -> None:
        self.name, self.quota, self.soft = provider.name, provider.quota, provider.soft
        self.profile, self.limits = provider.profile, provider.limits
        self.settling = provider.settling
        self._provider = provider
        self._passes = passes
        self._most = most

    async def purge(self, tags: Sequence[str], *, soft: bool, key: str = "") -> PurgeReceipt:
        done = self._passes.done
        while any(done[tag] and tag in self._passes.late for tag in tags):  # noqa: ASYNC110
            await asyncio.sleep(PACING.tick)  # until another thread ends it
        kept = [tag for tag in tags if done[tag] < self._most]
        receipt = PurgeReceipt(self.name, "", "")
        if kept:
            receipt = await self._provider.purge(kept, soft=soft, key=key)
        done.update(tags)
        return receipt

    async def settled(self, reference: str) -> bool:
        return await self._provider.settled(reference)

    async def check(self) -> PurgeReceipt:
        return await self._provider.check()


def settings_of(course: Course) -> Settings:
    return load(course.gateway.config, {}).settings


@contextmanager
def working(course: Course, most: int = ALL) -> Generator[None]:
    """Lead the purges of the gateway from here, at a quick pace; the gateway then does not."""
    settings = settings_of(course)
    settings.server.database.parent.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()

    async def lead() -> None:
        async with AsyncExitStack() as stack:
            database = stack.enter_context(closing(Database.open(settings.server.database)))
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
            traces = PurgeTraces(database, settings.zone_values())
            tools = Tools(client, time.time, traces, distribution)
            made = build("varnish", settings.cdn["varnish"].setup("varnish"), tools)
            counted = {"varnish": Counted(made, course.passes, most)}
            task = asyncio.create_task(PurgeWorker(database, counted, PACING).run())
            await asyncio.to_thread(stop.wait)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    thread = threading.Thread(target=lambda: asyncio.run(lead()))
    thread.start()
    try:
        _led(settings)
        course.gateway.start()
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def _led(settings: Settings) -> None:
    """Wait until the lock of those who work off purges is held."""
    deadline = time.monotonic() + 5
    with closing(FileLock(settings.server.database.with_name("purger.lock"))) as lock:
        while lock.take():
            lock.give_back()
            assert time.monotonic() < deadline, "the worker leads"
            time.sleep(0.1)


@pytest.fixture
def gateway(gateway_in: Callable[..., Any]) -> Any:
    """Not started yet."""
    folders = [f"documents/folders/{number}/" for number in range(FOLDERS)]
    return gateway_in(clinic={"revocable": folders})


@pytest.fixture
def way(gateway: Any) -> Iterator[Way]:
    way = Way(gateway.port)
    yield way
    way.stop()


@pytest.fixture
def windowed(gateway: Any, way: Way, start_varnish: Callable[..., Any]) -> Course:
    """The shipped VCL: every link is a key of its own."""
    varnish = start_varnish(way.port, SECRET)
    text = gateway.config.read_text()
    gateway.config.write_text(text + CDN.format(url=varnish.url, secret=SECRET))
    return Course(gateway, way, int(varnish.url.rpartition(":")[2]), Passes())


@pytest.fixture
def edge(gateway: Any, way: Way, start_edge: Starter) -> Course:
    """The rendered VCL: all links share a copy, and the token is not in its key.

    The proof is written down here: the canary's own first round takes a minute, and takes it back
    should it find anything else.
    """
    place: Any = SimpleNamespace(port=way.port, seen=[])

    def own(files: dict[str, str]) -> dict[str, str]:
        del files
        facts = facts_of(load(gateway.config, {}).settings, "clinic")
        return {"varnish": rendering("varnish")(facts, Backend("127.0.0.1", way.port))}

    port = start_edge("varnish", place, spoil=own, shield=SHIELD).port
    url = f"http://127.0.0.1:{port}"
    text = gateway.config.read_text()
    text = text.replace('cache = "windowed"', f'cache = "edge"\npublic_url = "{url}"')
    text += CDN.format(url=url, secret=SECRET) + f'shield = ["{SHIELD}"]\n'
    gateway.config.write_text(text)
    course = Course(gateway, way, port, Passes())
    _proven(settings_of(course))
    return course


def _proven(settings: Settings) -> None:
    bound = bindings(settings)["clinic"]
    settings.server.database.parent.mkdir(parents=True, exist_ok=True)
    with closing(Database.open(settings.server.database)) as database:
        database.write_now(lambda c: proofs.note(c, "clinic", bound, ("proven", "[]"), time.time()))


def told(verdicts: list[Verdict]) -> str:
    """One line for whoever runs many."""
    statuses = Counter(status for one in verdicts for status in one.refused)
    line = (
        f"{len(verdicts)} races: old links asked {sum(one.asked for one in verdicts)} times after"
        f" their receipts, served {sum(one.served for one in verdicts)} times,"
        f" answers {dict(statuses)}; newer links answered {sum(one.renewed for one in verdicts)}"
        f" times, {sum(one.hits for one in verdicts)} of them hits"
    )
    print(line)
    return line


def check(course: Course, count: int = RACES, targets: Targets = by_name) -> None:
    verdicts = raced(course, count, targets)
    line = told(verdicts)
    assert len(verdicts) == count
    for one in verdicts:
        assert one.stored, f"no old answer came after the first pass: {line}"
        assert min(one.racing, one.filled, one.kept) > 0, f"it was no race: {one} {line}"
        assert one.passes >= 2, f"confirmed before the second pass: {one} {line}"
    assert not any(one.served for one in verdicts), line
    assert {status for one in verdicts for status in one.refused} == {410}, line
    assert min(one.asked for one in verdicts) >= 4 * ROUNDS, line
    assert min(one.renewed for one in verdicts) == ROUNDS, line
    assert min(one.hits for one in verdicts) == ROUNDS, line


def test_windowed_a_revoked_link_is_never_served_after_its_receipt(windowed: Course) -> None:
    with working(windowed):
        check(windowed)


def test_edge_a_revoked_link_is_never_served_after_its_receipt(edge: Course) -> None:
    with working(edge):
        check(edge)


@pytest.mark.parametrize("vcl", ["windowed", "edge"])
def test_nothing_of_a_revoked_folder_is_served_after_its_receipt(
    vcl: str, request: pytest.FixtureRequest
) -> None:
    course: Course = request.getfixturevalue(vcl)
    with working(course):
        check(course, FOLDERS, by_folder)


@pytest.mark.parametrize("vcl", ["windowed", "edge"])
@pytest.mark.parametrize("most", [0, 1])
def test_a_cdn_that_leaves_a_pass_out_is_found_out_by_these_races(
    vcl: str, most: int, request: pytest.FixtureRequest
) -> None:
    course: Course = request.getfixturevalue(vcl)
    with working(course, most):
        verdicts = raced(course, 5)
    # Without the second pass the answer that came late is served, and the others are not.
    share = 2 * ROUNDS
    for one in verdicts:
        assert one.served == (share if most else one.asked) > 0, told(verdicts)
        assert one.renewed == ROUNDS
