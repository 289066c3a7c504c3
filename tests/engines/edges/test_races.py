"""Revoking against reads and refills through a real Varnish: after the receipt nothing is served.

OSTIARY_RACES says how many races each VCL gets; `make races` runs a thousand.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from cdn.providers import Provider, Tools, build
from cdn.providers.null import Null
from gateway.configuration import load
from gateway.edges import Backend, facts_of, rendering
from gateway.purges import Pacing, PurgeTraces, PurgeWorker
from gateway.purges.distributions import distribution
from gateway.settings import Settings
from gateway.standings import bindings
from gateway.state import proofs
from gateway.state.database import Database
from gateway.state.filelock import FileLock
from tests.engines.edges.races import ROUNDS, Verdict, raced
from tests.engines.edges.running import SECRET, Starter

pytestmark = [pytest.mark.engines, pytest.mark.slow]

RACES = int(os.environ.get("OSTIARY_RACES", "40"))
SHIELD = "a-shield-of-the-races"
# Longer than any fetch from a gateway on the same machine.
PACING = Pacing(second_pass=1.0, poll=0.02, tick=0.005, lead=0.05)
CDN = '\n[cdn.varnish]\nprovider = "varnish"\nurl = "{url}"\nsecret = "{secret}"\n'


@dataclass(frozen=True)
class Front:
    """A gateway, not started yet, and the Varnish before it."""

    gateway: Any
    port: int

    @property
    def settings(self) -> Settings:
        return load(self.gateway.config, {}).settings


Providers = Callable[[Settings, Database, httpx.AsyncClient], Provider]


def real(settings: Settings, database: Database, client: httpx.AsyncClient) -> Provider:
    """The provider as the gateway makes it."""
    traces = PurgeTraces(database, settings.zone_values())
    tools = Tools(client, time.time, traces, distribution)
    return build("varnish", settings.cdn["varnish"].setup("varnish"), tools)


def liar(settings: Settings, database: Database, client: httpx.AsyncClient) -> Provider:
    """Says yes to every purge and carries none out."""
    del settings, database, client
    return Null("varnish")


@contextmanager
def working(front: Front, provider: Providers) -> Generator[None]:
    """Lead the purges of the gateway from here, at a quick pace; the gateway then does not."""
    settings = front.settings
    settings.server.database.parent.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()

    async def lead() -> None:
        async with AsyncExitStack() as stack:
            database = stack.enter_context(closing(Database.open(settings.server.database)))
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
            made = {"varnish": provider(settings, database, client)}
            task = asyncio.create_task(PurgeWorker(database, made, PACING).run())
            await asyncio.to_thread(stop.wait)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    thread = threading.Thread(target=lambda: asyncio.run(lead()))
    thread.start()
    try:
        _led(settings)
        front.gateway.start()
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
def windowed(gateway_in: Callable[..., Any], start_varnish: Callable[..., Any]) -> Front:
    """The shipped VCL: every link is a key of its own."""
    gateway = gateway_in()
    varnish = start_varnish(gateway.port, SECRET)
    text = gateway.config.read_text()
    gateway.config.write_text(text + CDN.format(url=varnish.url, secret=SECRET))
    return Front(gateway, int(varnish.url.rpartition(":")[2]))


@pytest.fixture
def edge(gateway_in: Callable[..., Any], start_edge: Starter) -> Front:
    """The rendered VCL: all links share a copy, and the token is not in its key.

    The proof is written down here: the canary's own first round takes a minute, and takes it back
    should it find anything else.
    """
    gateway = gateway_in()
    place: Any = SimpleNamespace(port=gateway.port, seen=[])
    front = Front(gateway, 0)

    def own(files: dict[str, str]) -> dict[str, str]:
        del files
        facts = facts_of(front.settings, "clinic")
        return {"varnish": rendering("varnish")(facts, Backend("127.0.0.1", gateway.port))}

    port = start_edge("varnish", place, spoil=own, shield=SHIELD).port
    url = f"http://127.0.0.1:{port}"
    text = gateway.config.read_text()
    text = text.replace('cache = "windowed"', f'cache = "edge"\npublic_url = "{url}"')
    text += CDN.format(url=url, secret=SECRET) + f'shield = ["{SHIELD}"]\n'
    gateway.config.write_text(text)
    front = Front(gateway, port)
    _proven(front.settings)
    return front


def _proven(settings: Settings) -> None:
    bound = bindings(settings)["clinic"]
    settings.server.database.parent.mkdir(parents=True, exist_ok=True)
    with closing(Database.open(settings.server.database)) as database:
        found = ("proven", "[]")
        database.write_now(lambda c: proofs.note(c, "clinic", bound, found, time.time()))


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


def check(front: Front) -> None:
    verdicts = raced(front.gateway, front.port, RACES)
    line = told(verdicts)
    assert len(verdicts) == RACES
    assert not any(one.served for one in verdicts), line
    # 503 is a cache that took its busy origin for sick: a refusal as well, and never the only one.
    refused = {status for one in verdicts for status in one.refused}
    assert {410} <= refused <= {410, 503}, line
    assert min(one.asked for one in verdicts) >= 2 * ROUNDS, line
    assert min(one.renewed for one in verdicts) == ROUNDS, line
    assert min(one.hits for one in verdicts) > 0, line


def test_windowed_a_revoked_link_is_never_served_after_its_receipt(windowed: Front) -> None:
    with working(windowed, real):
        check(windowed)


def test_edge_a_revoked_link_is_never_served_after_its_receipt(edge: Front) -> None:
    with working(edge, real):
        check(edge)


def test_a_cdn_that_purges_nothing_is_found_out_by_these_races(windowed: Front) -> None:
    with working(windowed, liar):
        verdicts = raced(windowed.gateway, windowed.port, 5)
    assert all(one.served == one.asked > 0 for one in verdicts), told(verdicts)
    assert all(one.renewed == ROUNDS for one in verdicts)
