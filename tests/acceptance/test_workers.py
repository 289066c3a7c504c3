"""Two workers as one gateway: what one of them knows the other knows, and none is missed."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

LARGE = bytes(range(256)) * (1 << 17)
SMALL_BUFFER = 1 << 16


@pytest.fixture(scope="module")
def pair(gateway_in: Callable[..., Any], spare_port: Callable[[], int]) -> Any:
    gateway = gateway_in(admin={"port": spare_port()})
    gateway.put("large-report.pdf", LARGE)
    for name in ("first-letter.txt", "second-letter.txt"):
        gateway.put(name, b"A letter.")
    Image.effect_noise((900, 700), 60).convert("RGB").save(gateway.documents / "cold.jpg")
    return gateway.start("--workers", "2")


@pytest.fixture
def both(pair: Any, wire: Callable[..., Any]) -> Callable[..., dict[int, Any]]:
    """Connections to each of the two workers, by process id."""

    def connect(port: int, buffer: int = 0) -> dict[int, Any]:
        found: dict[int, Any] = {}
        deadline = time.monotonic() + 30
        while len(found) < 2:
            assert time.monotonic() < deadline, "only one worker takes connections"
            connection = wire(port, buffer)
            found.setdefault(worker_of(pair, connection), connection)
        return found

    return connect


def worker_of(gateway: Any, connection: Any) -> int:
    """Who answers on this connection, as the log says by the trace of a request."""
    trace = secrets.token_hex(16)
    assert connection.ask("/livez", f"traceparent: 00-{trace}-00f067aa0ba902b7-01").status == 200
    deadline = time.monotonic() + 10
    while not (lines := gateway.events(trace=trace)):
        assert time.monotonic() < deadline, "the request left no line"
        time.sleep(0.02)
    return int(lines[0]["pid"])


def renders(gateway: Any) -> float:
    """How many renders all workers have done, from the metrics of whichever answers."""
    text = gateway.operator.get("/metrics").text
    counts = [line for line in text.splitlines() if "ostiary_render_seconds_count" in line]
    return sum(float(line.split()[-1]) for line in counts)


def slow(connection: Any, target: str) -> int:
    """Ask for the large document and read no more than the fields; its length."""
    connection.request(target)
    status, fields = connection.head()
    assert status == 200
    return int(fields["content-length"])


def test_each_port_answers_what_is_its_own(pair: Any, wire: Callable[..., Any]) -> None:
    expected = {
        "/livez": (200, 200),
        "/readyz": (200, 200),
        "/metrics": (404, 200),
        "/admin/purges/none": (404, 401),
        "/v1/openapi.json": (200, 404),
        "/": (200, 404),
        "/d/original/clinic": (403, 404),
    }
    for target, statuses in expected.items():
        ports = (pair.port, pair.admin_port)
        assert tuple(wire(port).ask(target).status for port in ports) == statuses, target
    assert wire(pair.port).ask("/admin/purge", method="POST").status == 404
    assert wire(pair.admin_port).ask("/admin/purge", method="POST").status == 401
    assert wire(pair.port).ask("/v1/links", method="POST").status == 401
    assert wire(pair.admin_port).ask("/v1/links", method="POST").status == 404


def test_a_revocation_is_in_force_in_both_workers_when_it_is_answered(
    pair: Any, both: Callable[..., dict[int, Any]], wire: Callable[..., Any]
) -> None:
    target = pair.link("first-letter.txt")
    workers = both(pair.port)
    others = [wire(pair.port) for _ in range(30)]
    for connection in (*workers.values(), *others):
        assert connection.ask(target).status == 200
    pair.revoke("first-letter.txt")
    answers = {pid: connection.ask(target) for pid, connection in workers.items()}
    assert {answer.code for answer in answers.values()} == {"link.revoked"}
    assert {connection.ask(target).status for connection in others} == {410}
    # A new link is of the new generation, wherever it was made.
    fresh = pair.link("first-letter.txt")
    assert fresh != target
    assert {connection.ask(fresh).status for connection in workers.values()} == {200}
    told = pair.told(32, event="request", code="link.revoked")
    assert {line["pid"] for line in told} == set(workers)


def test_the_command_line_revokes_while_the_gateway_serves(
    pair: Any, both: Callable[..., dict[int, Any]]
) -> None:
    target = pair.link("second-letter.txt")
    assert {connection.ask(target).status for connection in both(pair.port).values()} == {200}
    pair.run("revoke", "--document", "clinic/documents/second-letter.txt")
    # The command may take longer than an idle connection lives.
    assert {connection.ask(target).status for connection in both(pair.port).values()} == {410}


def test_a_revocation_cuts_deliveries_under_way_in_the_other_worker(
    pair: Any, both: Callable[..., dict[int, Any]]
) -> None:
    pair.put("taken-back.pdf", LARGE)
    target = pair.link("taken-back.pdf")
    readers, operators = both(pair.port, SMALL_BUFFER), both(pair.admin_port)
    here, there = readers
    lengths = {pid: slow(connection, target) for pid, connection in readers.items()}
    document = {"zone": "clinic", "bucket": "documents", "key": "taken-back.pdf"}
    answer = operators[there].ask(
        "/admin/revoke",
        f"Authorization: Bearer {pair.token}",
        method="POST",
        body=json.dumps({"documents": [document]}).encode(),
    )
    assert answer.status in (200, 202)
    # The other worker hears of it within a second; until then it may send.
    assert {line["pid"] for line in pair.told(2, code="delivery.aborted")} == {here, there}
    for pid, length in lengths.items():
        body, whole = readers[pid].body(length)
        assert not whole
        assert LARGE.startswith(body)


def test_a_cold_rendition_is_made_once_by_both_workers(
    pair: Any, both: Callable[..., dict[int, Any]], wire: Callable[..., Any]
) -> None:
    target = pair.link("cold.jpg", "w320-webp")
    before = renders(pair)
    connections = [*both(pair.port).values(), *(wire(pair.port) for _ in range(98))]
    with ThreadPoolExecutor(len(connections)) as threads:
        answers = list(threads.map(lambda connection: connection.ask(target), connections))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert renders(pair) - before == 1
    served = pair.told(100, event="request", rendition="w320-webp")
    assert len({line["pid"] for line in served}) == 2


def decoders(pid: int) -> set[int]:
    """The processes that decode for a worker of the gateway."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return {child for child, line in lines.items() if b"imaging.workers.worker" in line}


def led_to(gateway: Any, wire: Callable[..., Any]) -> Iterator[tuple[int, list[Any]]]:
    """Connections by the worker that each leads to, whenever there is one more."""
    found: dict[int, list[Any]] = {}
    for _ in range(60):
        connection = wire(gateway.port)
        pid = worker_of(gateway, connection)
        found.setdefault(pid, []).append(connection)
        for one in found[pid]:  # an idle connection would be closed
            one.ask("/livez")
        yield pid, found[pid]


@pytest.fixture
def drawing(gateway_in: Callable[..., Any]) -> Iterator[Any]:
    gateway = gateway_in(renditions={"workers": 2, "timeout": 60})
    picture = Image.effect_noise((1800, 1200), 60).convert("RGB")
    for number in range(6):
        picture.save(gateway.documents / f"view-{number}.jpg", comment=str(number).encode())
    yield gateway.start("--workers", "2")
    gateway.kill()


def test_a_decoder_killed_in_mid_job_is_noticed_by_nobody(
    drawing: Any, wire: Callable[..., Any]
) -> None:
    targets = [drawing.link(f"view-{number}.jpg", "w960-webp") for number in range(6)]
    mates = led_to(drawing, wire)
    pid, connections = next((pid, some) for pid, some in mates if len(some) == 6)
    victim, _ = before = sorted(decoders(pid))
    os.kill(victim, signal.SIGSTOP)
    with ThreadPoolExecutor(len(connections)) as threads:
        jobs = [threads.submit(one.ask, to) for one, to in zip(connections, targets, strict=True)]
        deadline = time.monotonic() + 40
        while sum(job.done() for job in jobs) < 5:
            assert time.monotonic() < deadline, "one decoder that stands still holds up others"
            time.sleep(0.02)
        assert not all(job.done() for job in jobs), "nobody asked the one that stands still"
        os.kill(victim, signal.SIGKILL)
        answers = [job.result() for job in jobs]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1, "the same pixels, whoever drew them"
    after = decoders(pid)
    assert victim not in after
    assert len(after) == len(before)
    assert not drawing.events(event="worker_died")


def test_a_worker_that_is_killed_takes_only_its_own_answers_along(
    pair: Any, both: Callable[..., dict[int, Any]], wire: Callable[..., Any]
) -> None:
    target = pair.link("large-report.pdf")
    readers = both(pair.port, SMALL_BUFFER)
    lengths = {pid: slow(connection, target) for pid, connection in readers.items()}
    killed, left = readers
    os.kill(killed, signal.SIGKILL)
    assert not readers[killed].body(lengths[killed])[1]
    assert readers[left].body(lengths[left]) == (LARGE, True)
    assert wire(pair.port).ask(target, "Range: bytes=0-9").body == LARGE[:10]
    assert pair.told(1, event="worker_died", worker=killed)
    assert killed not in both(pair.port)
    assert left in both(pair.port)


@pytest.fixture
def leaving(gateway_in: Callable[..., Any]) -> Iterator[Any]:
    gateway = gateway_in()
    gateway.put("last-words.pdf", LARGE)
    yield gateway.start("--workers", "2")
    gateway.kill()


def test_a_stop_lets_deliveries_end_and_takes_no_new_ones(
    leaving: Any, wire: Callable[..., Any]
) -> None:
    target = leaving.link("last-words.pdf")
    reader = wire(leaving.port, SMALL_BUFFER)
    length = slow(reader, target)
    idle = wire(leaving.port)
    assert idle.ask("/readyz").status == 200
    process = leaving.process
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 20
    while True:
        assert time.monotonic() < deadline, "new connections are still taken"
        try:
            wire(leaving.port)
        except ConnectionRefusedError:
            break
        time.sleep(0.02)
    assert process.poll() is None
    assert reader.body(length) == (LARGE, True)
    assert process.wait(timeout=30) == 0
    assert idle.rest() == b""


def test_no_worker_leaves_its_memory_behind(pair: Any, both: Callable[..., dict[int, Any]]) -> None:
    for pid in both(pair.port):
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits), limits


def test_a_gateway_without_its_store_is_not_ready(pair: Any, wire: Callable[..., Any]) -> None:
    away = pair.folder.with_name("away")
    pair.folder.rename(away)
    try:
        answer = wire(pair.port).ask("/readyz")
    finally:
        away.rename(pair.folder)
    assert (answer.status, answer.body) == (503, b"store main: StoreUnavailable\n")
    assert wire(pair.port).ask("/readyz").body == b"ok\n"
