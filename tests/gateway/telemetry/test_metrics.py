from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gateway.telemetry.metrics import SECONDS, Metrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(body: bytes) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def scrape(metrics: Metrics) -> Samples:
    media_type, body = metrics.exposition()
    assert media_type.startswith("text/plain")
    return samples(body)


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics()
    metrics.request("d", 200, 0.004, 30_000)
    metrics.request("d", 200, 0.004, 30_000)
    metrics.request("d", 403, 0.0001, 100)
    seen = scrape(metrics)
    name = "ostiary_http_requests_total"
    assert seen[name, (("code", "200"), ("route", "d"))] == 2
    assert seen[name, (("code", "403"), ("route", "d"))] == 1
    assert seen["ostiary_bytes_served_total", ()] == 60_100
    metrics.request("d", 200, 0.004, 0)
    assert scrape(metrics)[name, (("code", "200"), ("route", "d"))] == 3


def test_a_duration_falls_into_the_bucket_that_bounds_it() -> None:
    metrics = Metrics()
    for seconds in (0.001, 0.0011, 0.5, 11.0):
        metrics.request("d", 200, seconds, 0)
    seen = scrape(metrics)
    name = "ostiary_http_request_duration_seconds"
    counts = {
        le: seen[f"{name}_bucket", (("le", le), ("route", "d"))] for le in ("0.001", "0.0025")
    }
    assert counts == {"0.001": 1, "0.0025": 2}
    assert seen[f"{name}_bucket", (("le", "0.5"), ("route", "d"))] == 3
    assert seen[f"{name}_bucket", (("le", "10.0"), ("route", "d"))] == 3
    assert seen[f"{name}_count", (("route", "d"),)] == 4
    assert abs(seen[f"{name}_sum", (("route", "d"),)] - 11.5021) < 1e-9
    assert len(SECONDS) == 12


def test_every_event_has_its_figure() -> None:
    metrics = Metrics()
    metrics.cache("memory", "hit")
    metrics.rendered("image", 0.2)
    metrics.fetched("main", 0.02)
    metrics.asked("sign", "refused", 0.03)
    metrics.issued("issued", 3)
    metrics.refused("host")
    metrics.hooked("purge", "taken")
    metrics.lines_dropped(5)
    metrics.lines_dropped(7)
    seen = scrape(metrics)
    assert seen["ostiary_cache_requests_total", (("layer", "memory"), ("result", "hit"))] == 1
    assert seen["ostiary_render_seconds_count", (("kind", "image"),)] == 1
    assert seen["ostiary_store_fetch_seconds_sum", (("store", "main"),)] == 0.02
    asked = (("operation", "sign"), ("outcome", "refused"))
    assert seen["ostiary_upstream_seconds_sum", asked] == 0.03
    assert seen["ostiary_links_issued_total", (("result", "issued"),)] == 3
    assert seen["ostiary_guard_refusals_total", (("reason", "host"),)] == 1
    assert seen["ostiary_hook_calls_total", (("hook", "purge"), ("outcome", "taken"))] == 1
    assert seen["ostiary_log_lines_dropped_total", ()] == 7


def test_documents_are_counted_by_whether_a_decision_was_known() -> None:
    metrics = Metrics()
    name = "ostiary_decisions_total"
    metrics.decided(9, 1)
    metrics.decided(0, 3)
    for _ in range(2):
        seen = scrape(metrics)
        assert seen[name, (("result", "hit"),)] == 9
        assert seen[name, (("result", "miss"),)] == 4
    metrics.decided(1, 0)
    assert scrape(metrics)[name, (("result", "hit"),)] == 10


def test_gauges_are_read_when_asked_for() -> None:
    metrics = Metrics()
    depth = [4.0]
    metrics.gauge("render_queue_depth", lambda: depth[0])
    metrics.gauge("cache_bytes", lambda: 10, layer="memory")
    assert scrape(metrics)["ostiary_render_queue_depth", ()] == 4
    depth[0] = 6
    seen = scrape(metrics)
    assert seen["ostiary_render_queue_depth", ()] == 6
    assert seen["ostiary_cache_bytes", (("layer", "memory"),)] == 10


WORKER = """
import sys
from gateway.telemetry.metrics import Metrics
metrics = Metrics()
metrics.request("d", 200, 0.004, 10)
metrics.gauge("purge_queue_depth", lambda: 5, cdn="edge")
metrics.gauge("inflight_bytes", lambda: 100)
metrics.flush()
print("ready", flush=True)
sys.stdin.readline()
sys.stdout.buffer.write(metrics.exposition()[1])
"""


def test_one_scrape_tells_of_all_processes(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    seen = samples(workers[0].communicate(b"\n", timeout=30)[0])
    workers[1].communicate(b"\n", timeout=30)
    assert seen["ostiary_http_requests_total", (("code", "200"), ("route", "d"))] == 2
    assert seen["ostiary_http_request_duration_seconds_count", (("route", "d"),)] == 2
    assert seen["ostiary_purge_queue_depth", (("cdn", "edge"),)] == 5
    assert seen["ostiary_inflight_bytes", ()] == 200
