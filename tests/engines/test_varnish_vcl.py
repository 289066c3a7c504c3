"""The shipped VCL in a real Varnish, before an origin whose answers each test chooses."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

import httpx
import pytest

from cdn.errors import PurgeRefused
from cdn.fields import PROFILES, render
from cdn.policy import CachePolicy, NoStore, Private, Revalidate, Shared
from cdn.providers import Provider, Setup, Tools, build
from cdn.tags import Tags

pytestmark = pytest.mark.engines

NUMBERS = itertools.count()


class Varnish(Protocol):
    url: str
    secret: str


@dataclass
class Answer:
    """What the origin says at a path: with status 0 it hangs up instead, with `cut` in mid-body;
    `gate` holds back the second half of the body.
    """

    body: bytes = b"0123456789"
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    etag: str = '"one"'
    delay: float = 0.0
    gate: threading.Event | None = None
    cut: bool = False


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    fields: dict[str, str]


class Stub(ThreadingHTTPServer):
    """An origin that can be stopped and started again on its port."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answers: dict[str, Answer] = {}
        self.seen: list[Seen] = []
        self.alive = Answer(b"ready")
        self.probed = 0
        self.under_way = Counter[str]()
        self.at_once = Counter[str]()


class Handler(BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def _answer(self) -> None:
        if self.path == "/livez":
            self.server.probed += 1
            time.sleep(self.server.alive.delay)
            return self._send(self.server.alive)
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.rfile.read(int(fields.get("content-length", 0)))
        self.server.seen.append(Seen(self.command, self.path, fields))
        path = self.path.partition("?")[0]
        answer = self.server.answers.get(path, Answer(b"", 404))
        self.server.under_way[path] += 1
        self.server.at_once[path] = max(self.server.at_once[path], self.server.under_way[path])
        time.sleep(answer.delay)
        self.server.under_way[path] -= 1
        if fields.get("if-none-match") == answer.etag and answer.status == 200:
            answer = Answer(b"", 304, answer.fields, answer.etag)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        if answer.status == 0:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        self.send_header("Date", answer.fields.get("Date", self.date_time_string()))
        self.send_header("ETag", answer.etag)
        self.send_header("Accept-Ranges", "bytes")
        for name, value in answer.fields.items():
            if name != "Date":
                self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body) + answer.cut))
        self.end_headers()
        if self.command == "HEAD" or answer.status == 304:
            return
        half = len(answer.body) // 2
        self.wfile.write(answer.body[:half])
        if answer.gate is not None:
            answer.gate.wait(10)
        self.wfile.write(answer.body[half:])
        self.close_connection = self.close_connection or answer.cut

    do_GET = do_HEAD = do_POST = do_OPTIONS = do_DELETE = do_TRACE = do_BREW = _answer


class Origin:
    """The stub and the documents on it."""

    def __init__(self) -> None:
        self._stub = Stub()
        self.port = self._stub.server_port
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._stub.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._stub.shutdown()
        self._stub.server_close()

    def start_again(self) -> None:
        former, self._stub = self._stub, Stub(self.port)
        self._stub.answers, self._stub.seen = former.answers, former.seen
        self._serve()

    def put(self, policy: CachePolicy, **said: object) -> Document:
        name = f"/d/original/zone/bucket/-/document-{next(NUMBERS)}"
        document = Document(self, name)
        document.now(policy, **said)
        return document

    def set(self, path: str, answer: Answer) -> None:
        self._stub.answers[path] = answer

    def live(self, answer: Answer) -> None:
        """Probes are answered so from now on; returns when three of them have been."""
        self._stub.alive = answer
        already = self._stub.probed
        eventually(lambda: self._stub.probed > already + 3, 30)

    def seen(self, path: str) -> list[Seen]:
        return [seen for seen in self._stub.seen if seen.target.partition("?")[0] == path]

    def at_once(self, path: str) -> int:
        return self._stub.at_once[path]


class Document:
    """One document at the origin, with its link."""

    def __init__(self, origin: Origin, path: str, expires_in: int = 3600) -> None:
        self._origin = origin
        self.path = path
        self.tags = Tags.of("zone", "bucket", path, "-")
        self.die_in(expires_in)

    def die_in(self, seconds: int, *, audience: str = "-") -> None:
        self.expires_at = int(time.time()) + seconds
        token = f"1.k1.{self.expires_at}.0.{audience}.-.ia.{'s' * 32}"
        self.target = f"{self.path}?t={token}"

    def now(self, policy: CachePolicy, **said: object) -> None:
        """The origin answers so from now on."""
        fields = {n.decode(): v.decode() for n, v in render(policy, PROFILES["varnish"])}
        extra = said.pop("extra", {})
        assert isinstance(extra, dict)
        self._origin.set(self.path, Answer(fields={**fields, **extra}, **said))  # type: ignore[arg-type]

    @property
    def fetches(self) -> list[Seen]:
        return self._origin.seen(self.path)

    @property
    def at_once(self) -> int:
        """How many fetches the origin had under way at the same time, at the most."""
        return self._origin.at_once(self.path)


def tags() -> Tags:
    return Tags((f"d-{next(NUMBERS)}", "z-1"))


def shared(cdn_ttl: int = 600, **said: object) -> Shared:
    return Shared(tags(), browser_ttl=300, cdn_ttl=cdn_ttl, **said)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture(scope="module")
def edge(start_varnish: Callable[..., Varnish], origin: Origin) -> Varnish:
    return start_varnish(origin.port)


@pytest.fixture(scope="module")
def viewer(edge: Varnish) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=edge.url, timeout=15) as client:
        yield client


def eventually(holds: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.03)


def purge(viewer: httpx.Client, edge: Varnish, *names: str, soft: bool = False) -> httpx.Response:
    fields = {"purge-key": edge.secret, "xkey-purge": " ".join(names)}
    return viewer.request("SOFTPURGE" if soft else "PURGE", "/", headers=fields)


def cache(answer: httpx.Response) -> str:
    return str(answer.headers["x-cache"])


class TestKeeping:
    def test_two_viewers_cost_one_fetch(self, origin: Origin, viewer: httpx.Client) -> None:
        document = origin.put(shared(), extra={"Cache-Status": "ostiary; fwd=miss"})
        first, second = viewer.get(document.target), viewer.get(document.target)
        assert first.content == second.content == b"0123456789"
        assert [cache(first), cache(second)] == ["miss", "hit"]
        assert first.headers["cache-status"] == "ostiary; fwd=miss, varnish; fwd=miss"
        assert second.headers["cache-status"].startswith("varnish; hit; ttl=")
        assert len(document.fetches) == 1

    def test_twenty_cold_requests_collapse_into_one(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(), delay=0.4)
        with ThreadPoolExecutor(20) as viewers:
            answers = list(viewers.map(viewer.get, [document.target] * 20))
        assert {answer.content for answer in answers} == {b"0123456789"}
        assert len(document.fetches) == 1

    def test_refusals_of_one_link_are_not_fetched_one_after_the_other(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(NoStore(), status=410, delay=0.4)
        with ThreadPoolExecutor(8) as viewers:
            answers = list(viewers.map(viewer.get, [document.target] * 8))
        assert {answer.status_code for answer in answers} == {410}
        assert len(document.fetches) == 8
        assert document.at_once > 1

    def test_another_token_is_another_key_and_another_host_is_not(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        viewer.get(document.target, headers={"host": "one.example"})
        assert cache(viewer.get(document.target, headers={"host": "two.example"})) == "hit"
        other = document.target.replace("sss", "ttt")
        assert cache(viewer.get(other)) == "miss"

    def test_conditions_and_ranges_are_answered_from_the_cache(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        cold = viewer.get(document.target, headers={"range": "bytes=2-4"})
        assert (cold.status_code, cold.content) == (206, b"234")
        same = viewer.get(document.target, headers={"if-none-match": '"one"'})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["cache-control"].startswith("private, no-transform, max-age=")
        tail = viewer.get(document.target, headers={"range": "bytes=-3"})
        assert (tail.content, tail.headers["content-range"]) == (b"789", "bytes 7-9/10")
        assert viewer.head(document.target).headers["content-length"] == "10"
        assert "range" not in document.fetches[0].fields
        assert len(document.fetches) == 1

    @pytest.mark.parametrize("policy", [shared(), Private(60)], ids=["kept", "private"])
    @pytest.mark.parametrize("ranges", ["bytes=0-1,3-4", "bytes=x", "items=0-1"])
    def test_ranges_that_varnish_can_not_send_are_no_errors(
        self, origin: Origin, viewer: httpx.Client, policy: CachePolicy, ranges: str
    ) -> None:
        document = origin.put(policy)
        for _ in range(2):
            whole = viewer.get(document.target, headers={"range": ranges})
            assert (whole.status_code, whole.content) == (200, b"0123456789")

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_a_length_of_zero_is_no_body(
        self, origin: Origin, viewer: httpx.Client, method: str
    ) -> None:
        document = origin.put(shared())
        said = {"content-length": "0"}
        told = [viewer.request(method, document.target, headers=said) for _ in range(2)]
        assert [cache(answer) for answer in told] == ["miss", "hit"]
        assert "content-length" not in document.fetches[0].fields
        assert viewer.get(document.target).content == b"0123456789"

    def test_the_404_is_kept_and_purged_by_its_tag(
        self, origin: Origin, viewer: httpx.Client, edge: Varnish
    ) -> None:
        absent = Shared(tags(), browser_ttl=0, cdn_ttl=30)
        document = origin.put(absent, status=404)
        viewer.get(document.target)
        kept = viewer.get(document.target)
        assert (kept.status_code, cache(kept)) == (404, "hit")
        assert kept.headers["cache-control"] == "private, no-cache, no-transform"
        document.now(shared())
        purge(viewer, edge, absent.tags.names[0])
        assert viewer.get(document.target).status_code == 200

    def test_fresh_time_ends_on_time_and_the_origin_is_asked_with_the_validator(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1))
        viewer.get(document.target)
        assert cache(viewer.get(document.target)) == "hit"
        eventually(lambda: cache(viewer.get(document.target)) == "miss")
        assert viewer.get(document.target).content == b"0123456789"
        assert document.fetches[1].fields["if-none-match"] == '"one"'

    @pytest.mark.parametrize(
        ("policy", "said"),
        [
            (NoStore(), {}),
            (Private(60), {}),
            (Private(60), {"extra": {"surrogate-control": "max-age=60, no-store"}}),
            (shared(), {"extra": {"xkey": ""}}),
            (shared(), {"extra": {"surrogate-control": "private, max-age=60"}}),
            (shared(), {"extra": {"surrogate-control": "max-age=soon"}}),
            (shared(), {"extra": {"surrogate-control": "stale-while-revalidate=60"}}),
            (shared(), {"extra": {"Surrogate-Control": "no-store"}}),  # the second of its name
            (shared(), {"extra": {"Set-Cookie": "a=b"}}),
            (shared(), {"status": 403}),
            (shared(), {"status": 410}),
            (shared(), {"status": 500}),
            (Revalidate(tags()), {"etag": ""}),
        ],
    )
    def test_what_no_shared_cache_may_keep_is_not_kept(
        self, origin: Origin, viewer: httpx.Client, policy: CachePolicy, said: dict[str, object]
    ) -> None:
        document = origin.put(policy, **said)
        for _ in range(3):
            answer = viewer.get(document.target)
            assert cache(answer) in ("miss", "pass")
            assert "max-age=60" in answer.headers["cache-control"] or policy != Private(60)
        assert len(document.fetches) == 3

    def test_a_private_answer_leaves_ranges_and_conditions_to_the_origin(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(Private(60))
        viewer.get(document.target)
        viewer.get(document.target, headers={"range": "bytes=0-1", "if-none-match": '"x"'})
        assert document.fetches[1].fields["range"] == "bytes=0-1"
        assert document.fetches[1].fields["if-none-match"] == '"x"'

    def test_a_body_that_breaks_off_is_neither_kept_nor_ended_cleanly(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        gate = threading.Event()
        document = origin.put(shared(), body=b"x" * 400_000, gate=gate, cut=True)
        with viewer.stream("GET", document.target) as answer:
            chunks = answer.iter_raw()
            assert next(chunks)
            gate.set()
            with pytest.raises(httpx.RemoteProtocolError):
                sum(map(len, chunks))
        document.now(shared())
        assert viewer.get(document.target).content == b"0123456789"

    def test_a_large_body_streams_through_while_it_is_fetched(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        gate = threading.Event()
        document = origin.put(shared(), body=b"x" * 400_000, gate=gate)
        with viewer.stream("GET", document.target) as answer:
            chunks = answer.iter_raw()
            assert next(chunks)
            gate.set()
            for _ in chunks:
                pass
        assert cache(viewer.get(document.target)) == "hit"


class TestStale:
    def test_stale_while_revalidate_serves_the_old_copy_and_fetches_behind_it(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_while_revalidate=60))
        viewer.get(document.target)
        document.now(shared(cdn_ttl=60), body=b"new", etag='"two"')
        eventually(lambda: cache(viewer.get(document.target)) == "stale")
        eventually(lambda: viewer.get(document.target).content == b"new")
        assert len(document.fetches) == 2

    def test_a_stale_copy_is_not_kept_by_browsers(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_while_revalidate=60))
        viewer.get(document.target)
        document.now(shared(), delay=0.5)
        answers: list[httpx.Response] = []

        def stale() -> bool:
            answers.append(viewer.get(document.target))
            return cache(answers[-1]) == "stale"

        eventually(stale)
        assert answers[-1].headers["cache-control"] == "private, no-cache, no-transform"

    def test_stale_if_error_asks_the_origin_first(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_if_error=60))
        viewer.get(document.target)
        document.now(shared(), body=b"new", etag='"two"')
        eventually(lambda: cache(viewer.get(document.target)) == "miss")
        assert viewer.get(document.target).content == b"new"
        assert "ostiary-edge-cache" not in document.fetches[1].fields

    def test_stale_if_error_serves_while_the_origin_answers_503(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_if_error=2))
        viewer.get(document.target)
        document.now(NoStore(), status=503, body=b"down")
        eventually(lambda: cache(viewer.get(document.target)) == "stale")
        assert viewer.get(document.target).content == b"0123456789"
        eventually(lambda: viewer.get(document.target).status_code == 503)
        assert viewer.get(document.target).content == b"down"

    def test_stale_if_error_serves_while_the_origin_hangs_up(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_if_error=60))
        viewer.get(document.target)
        document.now(NoStore(), status=0)

        def stale() -> bool:
            answer = viewer.get(document.target)
            assert answer.status_code == 200
            return cache(answer) == "stale"

        eventually(stale)

    def test_without_an_allowance_a_failing_origin_is_shown(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_while_revalidate=1))
        viewer.get(document.target)
        document.now(NoStore(), status=503, body=b"down")
        eventually(lambda: viewer.get(document.target).status_code == 503)
        document.now(shared(), body=b"up again", etag='"two"')
        eventually(lambda: viewer.get(document.target).content == b"up again")

    def test_a_refusal_ends_the_stale_copy_for_good(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(cdn_ttl=1, stale_if_error=60))
        viewer.get(document.target)
        document.now(NoStore(), status=410, body=b"gone")
        eventually(lambda: viewer.get(document.target).status_code == 410)
        document.now(NoStore(), status=503, body=b"down")
        assert viewer.get(document.target).status_code == 503

    def test_a_dead_origin_is_bridged_by_stale_if_error_only(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        bridged = origin.put(shared(cdn_ttl=1, stale_if_error=60))
        fresh = origin.put(shared(cdn_ttl=60))
        asking = origin.put(Revalidate(tags()))
        for document in (bridged, fresh, asking):
            viewer.get(document.target)
        origin.stop()
        try:
            assert cache(viewer.get(fresh.target)) == "hit"
            eventually(lambda: cache(viewer.get(bridged.target)) == "stale")
            assert viewer.get(bridged.target).content == b"0123456789"
            refused = viewer.get(asking.target)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.headers["cache-control"] == "no-store"
            assert refused.json()["status"] == 503
        finally:
            origin.start_again()
        eventually(lambda: viewer.get(asking.target).status_code == 200)

    def test_an_origin_too_busy_for_probes_is_asked_all_the_same(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        origin.live(Answer(b"ready", delay=1.5))
        try:
            assert viewer.get(document.target).status_code == 200
        finally:
            origin.live(Answer(b"ready"))

    def test_an_origin_that_fails_its_probes_is_left_alone_until_one_is_good(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        origin.live(Answer(b"ill", status=500))
        try:
            assert viewer.get(document.target).status_code == 503
            assert document.fetches == []
        finally:
            origin.live(Answer(b"ready"))
        assert viewer.get(document.target).status_code == 200


class TestLaw:
    def test_nothing_is_served_after_the_link_is_dead_even_if_the_origin_allows_it(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(3600, stale_while_revalidate=3600, stale_if_error=3600))
        document.die_in(2)
        viewer.get(document.target)
        assert cache(viewer.get(document.target)) == "hit"
        document.now(NoStore(), status=410, body=b"gone")

        def served() -> httpx.Response:
            asked_at = time.time()
            answer = viewer.get(document.target)
            assert answer.status_code == 410 or asked_at < document.expires_at
            return answer

        eventually(lambda: served().status_code == 410)
        document.now(NoStore(), status=503)
        assert viewer.get(document.target).status_code == 503

    def test_a_dead_link_is_not_even_looked_up(self, origin: Origin, viewer: httpx.Client) -> None:
        document = origin.put(shared(3600))
        document.die_in(-1)
        assert cache(viewer.get(document.target)) == "pass"

    def test_kept_time_is_cut_to_the_life_of_the_link(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared(3600, stale_if_error=3600))
        document.die_in(100)
        viewer.get(document.target)
        ttl = viewer.get(document.target).headers["cache-status"].rpartition("=")[2]
        assert 90 <= int(ttl) <= 100

    def test_the_time_in_another_cache_counts(self, origin: Origin, viewer: httpx.Client) -> None:
        document = origin.put(shared(600), extra={"Age": "400"})
        viewer.get(document.target)
        ttl = viewer.get(document.target).headers["cache-status"].rpartition("=")[2]
        assert 190 <= int(ttl) <= 200


class TestRevalidate:
    def test_every_request_asks_and_gets_the_copy_by_a_304(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(Revalidate(tags()))
        for _ in range(3):
            answer = viewer.get(document.target)
            assert answer.content == b"0123456789"
            assert answer.headers["cache-control"] == "private, no-cache, no-transform"
            time.sleep(0.01)  # past the millisecond that Varnish needs for keeping it at all
        conditions = [seen.fields.get("if-none-match") for seen in document.fetches]
        assert conditions == [None, '"one"', '"one"']

    def test_a_change_and_a_refusal_are_obeyed_at_once(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(Revalidate(tags()))
        viewer.get(document.target)
        document.now(Revalidate(tags()), body=b"new", etag='"two"')
        assert viewer.get(document.target).content == b"new"
        document.now(NoStore(), status=410)
        assert viewer.get(document.target).status_code == 410

    def test_whoever_waited_for_another_asks_as_well(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(Revalidate(tags()), delay=0.2)
        with ThreadPoolExecutor(8) as viewers:
            answers = list(viewers.map(viewer.get, [document.target] * 8))
        assert all(answer.content == b"0123456789" for answer in answers)
        assert len(document.fetches) == 8


class TestBrowserTime:
    def test_it_is_counted_from_delivery_and_ends_with_the_link(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(
            shared(), extra={"Date": "Sun, 01 Nov 2026 00:00:00 GMT", "Age": "20"}
        )
        document.die_in(120)
        viewer.get(document.target)
        answer = viewer.get(document.target)
        left = int(answer.headers["cache-control"].rpartition("=")[2])
        assert answer.headers["cache-control"] == f"private, no-transform, max-age={left}"
        assert "age" not in answer.headers
        date = parsedate_to_datetime(answer.headers["date"]).timestamp()
        assert document.expires_at - 10 <= date + left <= document.expires_at

    def test_it_is_five_minutes_at_most(self, origin: Origin, viewer: httpx.Client) -> None:
        document = origin.put(shared())
        answer = viewer.get(document.target)
        assert answer.headers["cache-control"] == "private, no-transform, max-age=300"

    def test_immutable_stays(self, origin: Origin, viewer: httpx.Client) -> None:
        answer = viewer.get(origin.put(shared(immutable=True)).target)
        assert answer.headers["cache-control"].endswith("max-age=300, immutable")

    def test_other_policies_keep_the_origins_words(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        answer = viewer.get(origin.put(Private(7)).target)
        assert answer.headers["cache-control"] == "private, max-age=7, no-transform"
        assert viewer.get(origin.put(NoStore()).target).headers["cache-control"] == "no-store"


def purger(url: str, secret: str, client: httpx.AsyncClient) -> Provider:
    """The shipped provider for a Varnish."""
    tools = Tools(client, time.time, None, None)  # type: ignore[arg-type]
    return build("varnish", Setup("edge", url, secret=secret), tools)


class TestPurge:
    def test_hard_removes_by_tag(self, origin: Origin, viewer: httpx.Client, edge: Varnish) -> None:
        policy = shared(stale_while_revalidate=60)
        document, other = origin.put(policy), origin.put(shared())
        for target in (document.target, other.target):
            viewer.get(target)
        document.now(policy, body=b"new", etag='"two"')
        answer = purge(viewer, edge, policy.tags.names[0], "d-unknown")
        assert (answer.status_code, answer.text.strip()) == (200, "purged 1")
        assert viewer.get(document.target).content == b"new"
        assert cache(viewer.get(other.target)) == "hit"

    def test_soft_serves_the_old_copy_once_more_where_that_is_allowed(
        self, origin: Origin, viewer: httpx.Client, edge: Varnish
    ) -> None:
        policy = shared(stale_while_revalidate=60)
        document = origin.put(policy)
        viewer.get(document.target)
        document.now(policy, body=b"new", etag='"two"')
        purge(viewer, edge, policy.tags.names[0], soft=True)
        assert cache(viewer.get(document.target)) == "stale"
        eventually(lambda: viewer.get(document.target).content == b"new")
        assert document.fetches[1].fields["if-none-match"] == '"one"'

    def test_soft_asks_at_once_where_nothing_stale_is_allowed(
        self, origin: Origin, viewer: httpx.Client, edge: Varnish
    ) -> None:
        policy = shared()
        document = origin.put(policy)
        viewer.get(document.target)
        purge(viewer, edge, policy.tags.names[0], soft=True)
        answer = viewer.get(document.target)
        assert (cache(answer), answer.content) == ("miss", b"0123456789")
        assert document.fetches[1].fields["if-none-match"] == '"one"'

    @pytest.mark.parametrize("method", ["PURGE", "SOFTPURGE"])
    @pytest.mark.parametrize("fields", [{}, {"purge-key": ""}, {"purge-key": "wrong"}])
    def test_a_wrong_secret_purges_nothing(
        self, origin: Origin, viewer: httpx.Client, method: str, fields: dict[str, str]
    ) -> None:
        policy = shared()
        document = origin.put(policy)
        viewer.get(document.target)
        refused = viewer.request(
            method, document.target, headers={**fields, "xkey-purge": policy.tags.names[0]}
        )
        assert refused.status_code == 403
        assert cache(viewer.get(document.target)) == "hit"

    def test_the_right_secret_without_tags_is_told_so(
        self, viewer: httpx.Client, edge: Varnish
    ) -> None:
        answer = viewer.request("PURGE", "/", headers={"purge-key": edge.secret})
        assert answer.status_code == 400

    def test_without_a_configured_secret_nobody_can_purge(
        self, start_varnish: Callable[..., Varnish], origin: Origin
    ) -> None:
        open_edge = start_varnish(origin.port, secret="")
        with httpx.Client(base_url=open_edge.url) as viewer:
            for fields in ({}, {"purge-key": ""}):
                answer = viewer.request("PURGE", "/", headers={**fields, "xkey-purge": "z-1"})
                assert answer.status_code == 403

    def test_the_provider_purges_and_says_how_many(
        self, origin: Origin, viewer: httpx.Client, edge: Varnish
    ) -> None:
        policy = shared()
        document = origin.put(policy)
        viewer.get(document.target)

        async def purges() -> list[str]:
            async with httpx.AsyncClient() as client:
                provider = purger(edge.url, edge.secret, client)
                names = [policy.tags.names[0], *(f"d-{n:030}" for n in range(239))]
                told = [await provider.purge(names, soft=soft) for soft in (True, False)]
                with pytest.raises(PurgeRefused) as refused:
                    await purger(edge.url, "wrong", client).purge(names, soft=False)
                assert refused.value.dead
                return [receipt.detail for receipt in told]

        assert asyncio.run(purges()) == ["purged 1", "purged 1"]
        assert cache(viewer.get(document.target)) == "miss"


class TestPassing:
    def test_what_is_no_plain_link_goes_to_the_origin_each_time(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        viewer.get(document.target)
        for request in (
            viewer.build_request("GET", document.target, headers={"authorization": "Bearer x"}),
            viewer.build_request("GET", document.target, content=b"body"),
            viewer.build_request("POST", document.target),
            viewer.build_request("OPTIONS", document.target),
            viewer.build_request("DELETE", document.target),
            viewer.build_request("BREW", document.target),
            viewer.build_request("GET", document.target + "x"),
            viewer.build_request("GET", document.target + "&t=1"),
            viewer.build_request("GET", document.path),
        ):
            before = len(document.fetches)
            assert cache(viewer.send(request)) == "pass"
            assert len(document.fetches) == before + 1
            assert document.fetches[-1].method == request.method

    @pytest.mark.parametrize("path", ["/v1/links", "/admin/purge", "/hooks/storage", "/"])
    def test_nothing_outside_the_links_is_kept(
        self, origin: Origin, viewer: httpx.Client, path: str
    ) -> None:
        fields = {n.decode(): v.decode() for n, v in render(shared(), PROFILES["varnish"])}
        origin.set(path, Answer(fields=fields))
        before = len(origin.seen(path))
        sent = {"authorization": "Bearer x", "cookie": "a=b"}
        for _ in range(2):
            answer = viewer.get(path, headers=sent)
            assert "surrogate-control" not in answer.headers
        assert len(origin.seen(path)) == before + 2
        assert sent.items() <= origin.seen(path)[-1].fields.items()

    def test_a_link_bound_to_a_viewer_is_passed_with_its_cookie(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        document.die_in(600, audience="a" * 16)
        for _ in range(2):
            assert cache(viewer.get(document.target, headers={"cookie": "a=b"})) == "pass"
        assert document.fetches[-1].fields["cookie"] == "a=b"

    def test_cookies_do_not_reach_what_is_shared(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(shared())
        viewer.get(document.target, headers={"cookie": "a=b", "accept-encoding": "gzip"})
        assert not {"cookie", "accept-encoding"} & document.fetches[0].fields.keys()
        assert cache(viewer.get(document.target, headers={"cookie": "c=d"})) == "hit"

    def test_the_target_reaches_the_origin_octet_for_octet(
        self, origin: Origin, edge: Varnish
    ) -> None:
        name = f"/d/w640/zone/b%20k/-/a//%2E%2e/../+%C3%A4/{next(NUMBERS)};x=@:'(!)"
        document = Document(origin, name)
        document.now(shared())
        raw = http.client.HTTPConnection(edge.url.removeprefix("http://"))
        raw.request("GET", document.target)
        assert raw.getresponse().status == 200
        raw.close()
        assert document.fetches[0].target == document.target

    def test_what_a_client_says_as_a_proxy_is_not_believed(
        self, origin: Origin, viewer: httpx.Client
    ) -> None:
        document = origin.put(NoStore())
        forged = {
            "forwarded": "for=6.6.6.6",
            "surrogate-capability": "x",
            "x-real-ip": "6.6.6.6",
            "x-original-url": "/admin",
            "ostiary-token": "x",
            "ostiary-edge-stale": "ask",
        }
        lies = {"x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https"}
        viewer.get(document.target, headers={**forged, **lies, "host": "docs.example"})
        got = document.fetches[0].fields
        assert not forged.keys() & got.keys()
        assert got["x-forwarded-for"] == "127.0.0.1"
        assert (got["x-forwarded-proto"], got["x-forwarded-host"]) == ("http", "docs.example")

    def test_the_inside_does_not_show(self, origin: Origin, viewer: httpx.Client) -> None:
        document = origin.put(shared())
        for answer in (viewer.get(document.target), viewer.get(document.target)):
            names = set(answer.headers)
            assert not names & {"xkey", "surrogate-control", "via", "x-varnish", "age"}
            assert not any(name.startswith("ostiary") for name in names)
