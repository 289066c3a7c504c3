"""Bodies under way: aborted, never shortened; bounded; closed when nobody listens."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from gateway.app import signer_of
from gateway.caches.budget import ByteBudget
from gateway.errors import StoreUnavailable
from gateway.originals import LOCAL_READER, SMALL
from gateway.permits import Permit
from gateway.stores import Body
from gateway.stores.memory import MemoryBody, MemoryStore
from imaging.marking.viewers import NOBODY
from signing.grants import Grant
from signing.links import LinkRequest

LARGE = SMALL * 3
Message = MutableMapping[str, Any]


class Watched(MemoryStore):
    """Keeps every body that it gave out."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[MemoryBody] = []

    async def open(
        self, bucket: str, key: str, *, first: int = 0, last: int | None = None, identity: str = ""
    ) -> Body:
        body = await super().open(bucket, key, first=first, last=last, identity=identity)
        assert isinstance(body, MemoryBody)
        self.bodies.append(body)
        return body


class Visit:
    """One request by hand, at the raw ASGI interface."""

    def __init__(self, door: Any, url: str, *, method: str = "GET", stall_after: int = -1) -> None:
        path, _, query = url.removeprefix("http://gateway.test").partition("?")
        self.scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [],
        }
        self._app = door.apps.main
        self._purges = door.parts.purges
        self._stall_after = stall_after
        self.stalled = asyncio.Event()
        self.left = asyncio.Event()
        self.started: Message = {}
        self.sent = 0
        self.ended = False
        self._greeted = False

    async def run(self) -> None:
        async with asyncio.timeout(30):
            await self._app(self.scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._greeted:
            self._greeted = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = message
            return
        self.sent += len(message["body"])
        self.ended = not message.get("more_body", False)
        if 0 <= self._stall_after < self.sent:
            self.stalled.set()
            await asyncio.Event().wait()


@pytest.fixture
def watched(door: Any) -> Watched:
    store = Watched()
    door.parts.stores["main"] = store
    store.put("documents", "large.bin", bytes(LARGE))
    return store


def test_a_large_document_is_streamed_whole(door: Any, watched: Watched) -> None:
    visit = Visit(door, door.link("large.bin"))
    door.run(visit.run())
    assert (visit.started["status"], visit.sent, visit.ended) == (200, LARGE, True)
    assert all(body.closed for body in watched.bodies)


def test_a_store_that_breaks_in_mid_body_never_ends_it_cleanly(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")
    watched.cut_after = 2 * SMALL
    visit = Visit(door, url)
    door.run(visit.run())
    assert visit.started["status"] == 200
    assert (visit.sent, visit.ended) == (2 * SMALL, False)
    assert all(body.closed for body in watched.bodies)


def test_a_store_that_breaks_before_the_first_octet_is_503(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")
    watched.cut_after = 0
    answer = door.get(url)
    assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")


def test_a_store_that_is_down_is_503_with_a_time_to_come_again(door: Any) -> None:
    door.put("a.txt", b"a")
    url = door.link("a.txt")
    door.parts.catalogue.forget_all()
    door.store.fault = StoreUnavailable(retry_after=7)
    answer = door.get(url)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["cache-control"] == "no-store"


def test_a_client_that_leaves_lets_go_of_the_source(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")

    async def visit() -> Visit:
        visit = Visit(door, url, stall_after=0)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        assert not watched.bodies[-1].closed
        visit.left.set()
        await running
        return visit

    visited = door.run(visit())
    assert watched.bodies[-1].closed
    assert not visited.ended


def test_a_revoked_link_is_gone_at_once_and_its_stream_is_cut(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")

    async def visit() -> Visit:
        visit = Visit(door, url, stall_after=0)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        scope = "d:clinic/documents/large.bin"
        await door.parts.purges.revoke([scope], by="test", now=time.time())
        again = Visit(door, url)
        await again.run()
        assert again.started["status"] == 410
        await running
        return visit

    visited = door.run(visit())
    assert not visited.ended
    assert watched.bodies[-1].closed
    assert door.get(url).json()["code"] == "link.revoked"
    assert door.get(door.link("large.bin")).status_code == 200, "later links are good"


def test_a_revoked_key_cuts_what_is_under_way_by_it(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")

    async def visit() -> Visit:
        visit = Visit(door, url, stall_after=0)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        await door.parts.purges.revoke(["k:k1"], by="test", now=time.time())
        again = Visit(door, url)
        await again.run()
        assert again.started["status"] == 403
        await running
        return visit

    assert not door.run(visit()).ended
    assert watched.bodies[-1].closed


@pytest.mark.parametrize(("viewer", "cut"), [("jane", True), ("john", False), ("", False)])
def test_what_a_revoked_viewer_reads_by_their_own_token_is_cut(
    door: Any, viewer: str, cut: bool
) -> None:
    permit = Permit("clinic", "documents", "a", "original", Grant.parse("io"), 0, 0, viewer=viewer)
    aborted = list[bool]()
    gate = door.parts.deliverer.gate
    with gate.watch(permit, NOBODY, lambda: aborted.append(True)):
        door.run(door.parts.purges.revoke(["v:jane", "k:k1"], by="test", now=time.time()))
        door.parts.rules.revocations.fresh()
        assert bool(aborted) is cut


def folder_link(door: Any, key: str) -> str:
    """A link that a folder's token makes of the document."""
    folder, _, name = key.rpartition("/")
    body = {"folders": [{"bucket": "documents", "folder": folder}]}
    [given] = door.post("/v1/folders", body).json()["folders"]
    template = str(given["template"])
    return template.replace("{rendition}", "original").replace("{key}", name)


@pytest.mark.parametrize(
    "scope",
    [
        "d:clinic/documents/reports/large.bin",
        "p:clinic/documents/reports/",
        "b:clinic/documents",
        "z:clinic",
    ],
)
def test_a_folder_links_stream_is_cut_by_whatever_is_revoked(open_door: Any, scope: str) -> None:
    door = open_door(clinic={"revocable": ["documents/reports/"]})
    store = Watched()
    door.parts.stores["main"] = store
    for key in ("reports/large.bin", "reports/other.bin"):
        store.put("documents", key, bytes(LARGE))
    url = folder_link(door, "reports/large.bin")
    # Revoked before, which leaves the folder's own generation behind the document's.
    other = "d:clinic/documents/reports/other.bin"
    door.run(door.parts.purges.revoke([other], by="test", now=time.time() - 100_000))

    async def visit() -> Visit:
        visit = Visit(door, url, stall_after=0)
        running = asyncio.create_task(visit.run())
        await visit.stalled.wait()
        await door.parts.purges.revoke([other], by="test", now=time.time())
        await asyncio.sleep(0)
        assert not running.done(), "another document's revocation is none of its business"
        await door.parts.purges.revoke([scope], by="test", now=time.time())
        await Visit(door, url).run()
        await running
        return visit

    visited = door.run(visit())
    assert visited.started["status"] == 200
    assert not visited.ended
    assert all(body.closed for body in store.bodies)
    assert door.get(url).json()["code"] == "link.revoked"


class Overtaken(Visit):
    """Something is revoked when the answer has begun and nothing watches it yet."""

    revoked = ""

    async def _send(self, message: Message) -> None:
        await super()._send(message)
        if message["type"] == "http.response.start":
            await self._purges.revoke([self.revoked], by="test", now=time.time())


@pytest.mark.parametrize(
    "scope", ["d:clinic/documents/reports/large.bin", "b:clinic/documents", "k:k1"]
)
def test_what_is_revoked_before_a_stream_is_watched_cuts_it(
    door: Any, watched: Watched, scope: str
) -> None:
    watched.put("documents", "reports/large.bin", bytes(LARGE))
    visit = Overtaken(door, folder_link(door, "reports/large.bin"))
    visit.revoked = scope
    door.run(visit.run())
    assert visit.started["status"] == 200
    assert (visit.sent, visit.ended) == (0, False)
    assert all(body.closed for body in watched.bodies)


def test_who_comes_second_to_a_link_good_once_leaves_nothing_open(
    door: Any, watched: Watched
) -> None:
    url = door.link("large.bin", grant="original", one_time=True)

    async def race() -> list[Visit]:
        visits = [Visit(door, url) for _ in range(6)]
        await asyncio.gather(*(visit.run() for visit in visits))
        return visits

    visits = door.run(race())
    assert sorted(visit.started["status"] for visit in visits) == [200] + [410] * 5
    assert [visit.sent for visit in visits if visit.started["status"] == 200] == [LARGE]
    assert len(watched.bodies) > 1
    assert all(body.closed for body in watched.bodies)
    assert door.parts.deliverer._budget.used == 0


def test_nothing_that_a_revoked_key_signed_is_good_any_more(open_door: Any) -> None:
    keys = {"k1": "5a" * 32, "k2": "6b" * 32}
    door = open_door(signing={"keys": keys, "active": "k1"})
    door.put("a.txt", b"a")
    before = door.link("a.txt")
    assert door.get(before).status_code == 200
    settings = door.parts.settings
    signing = settings.signing.model_copy(update={"active": "k2"})
    signer = signer_of(settings.model_copy(update={"signing": signing}))
    request = LinkRequest("clinic", "documents", "a.txt", Grant.parse("ia"))
    after = signer.issue(request, int(time.time())).target
    door.run(door.parts.purges.revoke(["k:k1"], by="test", now=time.time()))
    answer = door.get(before)
    assert (answer.status_code, answer.json()["code"]) == (403, "link.refused")
    assert answer.headers["cache-control"].endswith("no-store")
    assert door.get(after).status_code == 200


def test_a_full_budget_is_503_and_leaves_nothing_open(door: Any, watched: Watched) -> None:
    url = door.link("large.bin")
    door.parts.deliverer._budget = ByteBudget(LOCAL_READER)

    async def visit() -> tuple[Visit, Visit]:
        first, second = Visit(door, url, stall_after=0), Visit(door, url)
        running = asyncio.create_task(first.run())
        await first.stalled.wait()
        await second.run()
        first.left.set()
        await running
        return first, second

    _, second = door.run(visit())
    assert second.started["status"] == 503
    assert b"retry-after" in dict(second.started["headers"])
    assert all(body.closed for body in watched.bodies)
    assert door.parts.deliverer._budget.used == 0


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}])
def test_head_and_304_of_a_large_document_open_nothing(
    door: Any, watched: Watched, headers: dict[str, str]
) -> None:
    url = door.link("large.bin")
    opened = watched.opened
    answer = door.ask("HEAD", url, headers=headers)
    assert answer.status_code == (304 if headers else 200)
    assert watched.opened == opened


def test_several_ranges_of_a_large_document_are_read_from_the_store(
    door: Any, watched: Watched
) -> None:
    answer = door.get(door.link("large.bin"), {"Range": f"bytes=0-1,{SMALL * 2}-{SMALL * 2 + 9}"})
    assert (answer.status_code, int(answer.headers["content-length"])) == (206, len(answer.content))
    assert all(body.closed for body in watched.bodies)


def test_a_document_replaced_since_the_last_look_is_served_as_it_is_now(
    door: Any, watched: Watched
) -> None:
    url = door.link("large.bin")
    watched.put("documents", "large.bin", b"\1" * LARGE)
    assert door.get(url).content == b"\1" * LARGE


def test_an_empty_document_is_an_empty_answer(door: Any) -> None:
    door.put("empty.bin", b"")
    answer = door.get(door.link("empty.bin"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "0"


def test_two_hundred_megabytes_take_a_few(open_door: Callable[..., Any], tmp_path: Path) -> None:
    size = 200 << 20
    (tmp_path / "store" / "documents").mkdir(parents=True)
    with (tmp_path / "store" / "documents" / "huge.bin").open("wb") as file:
        file.truncate(size)
    door = open_door(stores={"main": {"url": f"file://{tmp_path}/store"}})
    visit = Visit(door, door.link("huge.bin"))
    tracemalloc.start()
    try:
        door.run(visit.run())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (visit.sent, visit.ended) == (size, True)
    assert peak < 8 << 20


def test_a_large_remote_document_comes_from_disk_the_second_time(door: Any) -> None:
    class Remote(Watched):
        local = False

    store = Remote()
    door.parts.stores["main"] = store
    store.put("documents", "large.bin", bytes(LARGE))
    url = door.link("large.bin")
    looked = store.opened
    assert [len(door.get(url).content) for _ in range(3)] == [LARGE] * 3
    assert store.opened == looked + 1


def test_a_method_that_is_not_allowed_is_told_so_before_the_link_is_looked_at(door: Any) -> None:
    visit = Visit(door, "/d/original/x", method="POST")
    door.run(visit.run())
    assert visit.started["status"] == 405


def _expiring(door: Any, seconds: int) -> str:
    request = LinkRequest("clinic", "documents", "a.txt", Grant.parse("ia"), expires_in=seconds)
    return str(door.parts.rules.signer.issue(request, int(time.time())).target)


def test_a_link_with_too_little_life_is_for_its_browser_alone(door: Any) -> None:
    door.put("a.txt", b"a")
    answer = door.get(_expiring(door, 20))
    assert answer.status_code == 200
    assert answer.headers["cdn-cache-control"] == "no-store"
    assert "cache-tag" not in answer.headers
