"""What the gateway tells about itself: lines, figures, and whether it is leaving."""

from __future__ import annotations

import asyncio

import structlog

from gateway.telemetry.draining import Draining
from gateway.telemetry.log import configure
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.record import Record, Recorder
from gateway.telemetry.trace import client_network, client_of, request_ids, trace_id
from gateway.telemetry.writer import LineBuffer, LineWriter

_log = structlog.stdlib.get_logger(__name__)

__all__ = [
    "Draining",
    "LineWriter",
    "Metrics",
    "Record",
    "Telemetry",
    "client_network",
    "client_of",
    "configure",
    "request_ids",
    "trace_id",
]


class Telemetry:
    """Everything one process tells: a line and a count per request, figures for a scrape.

    `start` needs the running event loop and `close` ends what it began; without `start` figures
    are handed over only at a scrape.
    """

    def __init__(self, region: str, writer: LineWriter, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._recorder = Recorder(region)
        self._writer = writer
        self._buffer = LineBuffer(writer)
        self._ids = request_ids()
        self._timer: asyncio.TimerHandle | None = None

    def record(self, method: str) -> Record:
        """A new request's record, with an id of its own."""
        return Record(next(self._ids), method)

    def request(self, record: Record, now: float, seconds: float) -> None:
        """Tell that a request is over: `now` in Unix seconds, `seconds` since its fields came."""
        self._buffer.add(self._recorder.line(record, now, seconds))
        self.metrics.request(record.route, record.status, seconds, record.sent)

    def fault(self, request_id: str, error: Exception) -> None:
        """Tell of an error nobody raised on purpose: its type and places, never its text."""
        _log.error("unforeseen", request_id=request_id, exc_info=error)

    def start(self) -> None:
        """Hand figures over each second from now on."""
        self._timer = asyncio.get_running_loop().call_later(1.0, self._tick)

    def _tick(self) -> None:
        self._flush()
        self.start()

    def _flush(self) -> None:
        self._buffer.flush()
        self.metrics.lines_dropped(self._writer.dropped)
        self.metrics.flush()

    def exposition(self) -> tuple[str, bytes]:
        """The media type and body of a scrape."""
        self.metrics.lines_dropped(self._writer.dropped)
        return self.metrics.exposition()

    def close(self) -> None:
        """Stop the clock and hand over what is left; the writer stays open for its owner."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
