"""The figures of this process for Prometheus, counted as plain integers where requests pass."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import Literal

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

PREFIX = "ostiary_"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

GaugeName = Literal[
    "render_queue_depth",
    "improvement_queue_depth",
    "prefetch_queue_depth",
    "purge_queue_depth",
    "purge_dead",
    "purge_lag_seconds",
    "inflight_bytes",
    "cache_bytes",
    "canary_proven",
]
# How the worker processes' figures become one: what each has of its own is added up; of what
# all read from the same place (the outbox, the disk cache) the largest is told.
_GAUGES: dict[GaugeName, tuple[str, tuple[str, ...], Literal["livesum", "livemax"]]] = {
    "render_queue_depth": ("Renders that wait for a worker.", (), "livesum"),
    "improvement_queue_depth": ("First answers that wait to be made better.", (), "livesum"),
    "prefetch_queue_depth": ("Neighbours of first renditions that wait.", (), "livesum"),
    "purge_queue_depth": ("Purges not yet confirmed.", ("cdn",), "livemax"),
    "purge_dead": ("Purges that a CDN refused for good.", ("cdn",), "livemax"),
    "purge_lag_seconds": ("Age of the oldest purge not yet sent.", ("cdn",), "livemax"),
    "inflight_bytes": ("Octets held for answers under way.", (), "livesum"),
    "cache_bytes": ("Octets that a cache layer holds.", ("layer",), "livemax"),
    "canary_proven": ("1 while a zone's CDN is proven to guard links.", ("zone",), "livemax"),
}


class BatchedHistogram(Histogram):
    """A histogram that takes many observations in one step."""

    def merge(self, counts: Sequence[int], total: float) -> None:
        """Add `counts[i]` observations to bucket i, which come to `total` together."""
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(total)


class _Durations:
    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total = 0.0


class Metrics:
    """Counts, durations and gauges, in one process or, with PROMETHEUS_MULTIPROC_DIR, over all.

    The methods of the hot path (`request`, `cache`, `decided`) only count; `flush` hands the
    counts to prometheus-client. It is called each second and before each scrape, so that the
    other processes' figures are at most a second old.
    """

    def __init__(self) -> None:
        # The library's own functions without annotations are the two ignores of this module.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests: Tally[tuple[str, int]] = Tally()
        self._caches: Tally[tuple[str, str]] = Tally()
        self._served = 0
        self._known = self._unknown = 0
        self._durations: dict[str, _Durations] = {}
        self._readers: list[tuple[Gauge, Callable[[], float]]] = []
        self._define_counters()
        self._define_histograms()
        self._gauges = {
            name: Gauge(PREFIX + name, text, labels, registry=self._registry, multiprocess_mode=m)
            for name, (text, labels, m) in _GAUGES.items()
        }

    def _define_counters(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(PREFIX + name, text, labels, registry=self._registry)

        self._requests_total = counter("http_requests", "Requests answered.", "route", "code")
        self._cache_total = counter("cache_requests", "Look-ups by result.", "layer", "result")
        self._served_total = counter("bytes_served", "Octets of bodies sent.")
        self._issued_total = counter("links_issued", "Links issued or refused.", "result")
        self._refused_total = counter("guard_refusals", "Refused by the socket guard.", "reason")
        self._decided_total = counter("decisions", "Look-ups of Supabase's decisions.", "result")
        self._improved_total = counter("improvements", "First answers tried again.", "outcome")
        self._prefetched_total = counter("prefetches", "Renditions nobody asked for.", "outcome")
        self._hooked_total = counter("hook_calls", "Calls of hooks.", "hook", "outcome")
        self._collapsed_total = counter("purge_collapsed", "Tags made bigger in a queue.", "cdn")
        self._probed_total = counter("canary_rounds", "Rounds of questions to CDNs.", "outcome")
        self._dropped_total = counter("log_lines_dropped", "Log lines nobody took in time.")
        self._dropped = 0

    def _define_histograms(self) -> None:
        def histogram(name: str, text: str, *labels: str) -> BatchedHistogram:
            return BatchedHistogram(
                PREFIX + name, text, labels, registry=self._registry, buckets=SECONDS
            )

        self._request_seconds = histogram(
            "http_request_duration_seconds", "From the request's fields to its last octet.", "route"
        )
        self._render_seconds = histogram("render_seconds", "Time of one render.", "kind")
        self._fetch_seconds = histogram("store_fetch_seconds", "To a store's answer.", "store")
        self._upstream_seconds = histogram(
            "upstream_seconds", "To Supabase's decision.", "operation", "outcome"
        )

    def request(self, route: str, status: int, seconds: float, sent: int) -> None:
        """Count one answered request; `sent` is its body's octets."""
        self._requests[route, status] += 1
        self._served += sent
        durations = self._durations.get(route)
        if durations is None:
            durations = self._durations[route] = _Durations()
        durations.counts[bisect_left(SECONDS, seconds)] += 1
        durations.total += seconds

    def cache(self, layer: str, result: str) -> None:
        """Count one look-up in a cache layer ("memory", "disk", "store"): "hit", "miss", …"""
        self._caches[layer, result] += 1

    def rendered(self, kind: str, seconds: float) -> None:
        """Note one render of a kind ("image", "page", "linear", "text")."""
        self._render_seconds.labels(kind).observe(seconds)

    def improved(self, outcome: str, seconds: float) -> None:
        """Note one try to make a first answer better: "better", "kept" or "failed"."""
        self._improved_total.labels(outcome).inc()
        self._render_seconds.labels("improvement").observe(seconds)

    def prefetched(self, outcome: str, seconds: float) -> None:
        """Note one rendition that nobody asked for: "made", "needless", "gone" or "failed"."""
        self._prefetched_total.labels(outcome).inc()
        if outcome == "made":
            self._render_seconds.labels("prefetch").observe(seconds)

    def fetched(self, store: str, seconds: float) -> None:
        """Note one request to a store, to its first octet."""
        self._fetch_seconds.labels(store).observe(seconds)

    def asked(self, operation: str, outcome: str, seconds: float) -> None:
        """Note one question to Supabase: "sign", …, and "answered", "refused" or "unavailable"."""
        self._upstream_seconds.labels(operation, outcome).observe(seconds)

    def decided(self, known: int, unknown: int) -> None:
        """Count documents by whether Supabase's yes was known, or had to be asked for."""
        self._known += known
        self._unknown += unknown

    def issued(self, result: str, count: int = 1) -> None:
        """Count links by result: "issued", or the per-item error's code."""
        self._issued_total.labels(result).inc(count)

    def probed(self, outcome: str) -> None:
        """Count one round of questions to a CDN: "proven", "failed" or "unproven"."""
        self._probed_total.labels(outcome).inc()

    def refused(self, reason: str) -> None:
        """Count one request or connection that the socket guard refused."""
        self._refused_total.labels(reason).inc()

    def hooked(self, hook: str, outcome: str) -> None:
        """Count one call of a hook by outcome: "taken", "ignored", "refused", …"""
        self._hooked_total.labels(hook, outcome).inc()

    def collapsed(self, cdn: str, tags: int) -> None:
        """Count tags that bigger ones took up in a queue too deep for a CDN."""
        self._collapsed_total.labels(cdn).inc(tags)

    def gauge(self, name: GaugeName, read: Callable[[], float], **labels: str) -> None:
        """Let `read` be asked each second, and at each scrape, for a gauge's figure.

        `read` answers at once: what costs a query is remembered by whoever asks the database.
        """
        gauge = self._gauges[name]
        self._readers.append((gauge.labels(**labels) if labels else gauge, read))

    def lines_dropped(self, total: int) -> None:
        """Take over the log writer's running count of dropped lines."""
        self._dropped_total.inc(max(0, total - self._dropped))
        self._dropped = total

    def flush(self) -> None:
        """Hand what was counted to prometheus-client and read the gauges."""
        for (route, status), count in self._requests.items():
            self._requests_total.labels(route, status).inc(count)
        self._requests.clear()
        for (layer, result), count in self._caches.items():
            self._cache_total.labels(layer, result).inc(count)
        self._caches.clear()
        self._served_total.inc(self._served)
        self._served = 0
        self._decided_total.labels("hit").inc(self._known)
        self._decided_total.labels("miss").inc(self._unknown)
        self._known = self._unknown = 0
        for route, durations in self._durations.items():
            self._request_seconds.labels(route).merge(durations.counts, durations.total)
        self._durations.clear()
        for gauge, read in self._readers:
            gauge.set(read())

    def exposition(self) -> tuple[str, bytes]:
        """The media type and body of a scrape, over all worker processes where there are more."""
        self.flush()
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        body = prometheus_client.generate_latest(registry)
        return prometheus_client.CONTENT_TYPE_LATEST, body
