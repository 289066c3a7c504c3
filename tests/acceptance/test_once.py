"""Links that are good once, over workers that race: one answer each, whatever is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

LARGE = bytes(range(256)) * (1 << 17)
SMALL_BUFFER = 1 << 16
AT_ONCE = 50
ROUNDS = 6


@pytest.fixture(scope="module")
def pair(gateway_in: Callable[..., Any]) -> Any:
    gateway = gateway_in()
    gateway.put("large-report.pdf", LARGE)
    gateway.put("letter.txt", b"A letter.")
    return gateway.start("--workers", "2")


def once(gateway: Any, key: str = "letter.txt") -> str:
    return str(gateway.link(key, grant="original", one_time=True))


def test_fifty_at_once_get_one_answer_from_two_workers(pair: Any) -> None:
    """Each on a connection of its own, all sent when the last of them is open."""
    for _ in range(ROUNDS):
        target, ready = once(pair), threading.Barrier(AT_ONCE)

        def get(_: int, target: str = target, ready: threading.Barrier = ready) -> httpx.Response:
            with httpx.Client(base_url=pair.url, timeout=30) as client:
                client.get("/livez").raise_for_status()
                ready.wait(30)
                return client.get(target)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(get, range(AT_ONCE)))
        assert sorted(answer.status_code for answer in answers) == [200] + [410] * (AT_ONCE - 1)
        [won] = [answer for answer in answers if answer.status_code == 200]
        assert won.content == b"A letter."
        assert {answer.json()["code"] for answer in answers if answer is not won} == {"link.used"}
    asked = pair.told(ROUNDS * AT_ONCE, route="d")
    assert len({event["pid"] for event in asked}) == 2, "one worker took everything"


def test_what_one_worker_used_no_worker_gives(pair: Any) -> None:
    for _ in range(5):
        target = once(pair)
        statuses = []
        for _ in range(8):
            with httpx.Client(base_url=pair.url, timeout=30) as client:
                statuses.append(client.get(target).status_code)
        assert statuses == [200] + [410] * 7


def test_the_cookie_of_one_worker_is_good_at_all(pair: Any, wire: Callable[..., Any]) -> None:
    target = once(pair, "large-report.pdf")
    first = wire(pair.port).ask(target, "Range: bytes=0-9")
    assert (first.status, first.body) == (206, LARGE[:10])
    cookie = "Cookie: " + first.fields["set-cookie"].partition(";")[0]
    for at in range(10, 90, 10):
        more = wire(pair.port).ask(target, f"Range: bytes={at}-{at + 9}", cookie)
        assert (more.status, more.body) == (206, LARGE[at : at + 10])
    assert wire(pair.port).ask(target, "Range: bytes=0-9").code == "link.used"


def test_an_answer_that_breaks_off_was_an_answer(pair: Any, wire: Callable[..., Any]) -> None:
    target = once(pair, "large-report.pdf")
    reader = wire(pair.port, SMALL_BUFFER)
    reader.request(target)
    status, fields = reader.head()
    assert status == 200
    reader.close()
    assert wire(pair.port).ask(target).code == "link.used"
    cookie = "Cookie: " + fields["set-cookie"].partition(";")[0]
    rest = wire(pair.port).ask(target, f"Range: bytes=100-{len(LARGE) - 1}", cookie)
    assert (rest.status, rest.body) == (206, LARGE[100:])


class Users:
    """Threads that use links, and look again, until nobody answers any more."""

    def __init__(self, gateway: Any, targets: list[str]) -> None:
        self.answered: dict[str, int] = {}
        self._gateway = gateway
        self._targets = targets
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(6)]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        for thread in self._threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _run(self) -> None:
        with httpx.Client(base_url=self._gateway.url, timeout=30) as client:
            try:
                for target in self._targets:
                    self._use(client, target)
            except httpx.TransportError:
                return

    def _use(self, client: httpx.Client, target: str) -> None:
        with client.stream("GET", target) as answer:
            if answer.status_code == 200:
                with self._lock:
                    self.answered[target] = self.answered.get(target, 0) + 1
            answer.read()


@pytest.mark.slow
def test_nothing_is_given_twice_when_everything_is_killed(gateway_in: Callable[..., Any]) -> None:
    gateway = gateway_in()
    gateway.put("letter.txt", b"A letter.")
    known: dict[str, int] = {}
    for workers in ("2", "1", "2"):
        gateway.start("--workers", workers)
        documents = [{"zone": "clinic", "bucket": "documents", "key": "letter.txt"}] * 500
        body = {"documents": documents, "grant": "original", "one_time": True}
        issued = gateway.post("/v1/links", body).json()["links"]
        targets = [link["url"].partition("/d/")[2] for link in issued]
        users = Users(gateway, [f"/d/{target}" for target in targets])
        deadline = time.monotonic() + 30
        while len(users.answered) < 40:
            assert time.monotonic() < deadline, "nothing is answered"
            time.sleep(0.01)
        gateway.kill()
        users.leave()
        for target, times in users.answered.items():
            known[target] = known.get(target, 0) + times
        assert len(users.answered) < len(targets), "all were used before the end"
    gateway.start("--workers", "2")
    assert set(known.values()) == {1}
    for target in known:
        assert gateway.client.get(target).status_code == 410
