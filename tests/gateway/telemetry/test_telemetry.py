from __future__ import annotations

import asyncio
import json
import os

from gateway.telemetry import Draining, LineWriter, Telemetry


def test_a_request_is_told_and_counted() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    telemetry = Telemetry("eu", writer)

    async def run() -> None:
        telemetry.start()
        record = telemetry.record("GET")
        record.route, record.status, record.sent = "d", 200, 7
        telemetry.request(record, 1_790_000_000.0, 0.002)
        telemetry.close()

    asyncio.run(run())
    writer.close()
    facts = json.loads(os.read(reading, 4096))
    os.close(reading)
    os.close(writing)
    assert (facts["route"], facts["status"], facts["bytes"], facts["ms"]) == ("d", 200, 7, 2.0)
    assert b'requests_total{code="200",route="d"} 1.0' in telemetry.exposition()[1]


def test_figures_are_handed_over_by_the_clock() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    telemetry = Telemetry("", writer)

    async def run() -> None:
        read = asyncio.Semaphore(0)

        def figure() -> float:
            read.release()
            return 0

        telemetry.metrics.gauge("inflight_bytes", figure)
        telemetry.start()
        async with asyncio.timeout(20):
            await read.acquire()
            await read.acquire()
        telemetry.close()

    asyncio.run(run())
    writer.close()
    os.close(reading)
    os.close(writing)


def test_every_record_has_an_id_of_its_own() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    telemetry = Telemetry("", writer)
    assert telemetry.record("GET").request_id != telemetry.record("GET").request_id
    telemetry.close()
    writer.close()
    os.close(reading)
    os.close(writing)


def test_draining_goes_one_way() -> None:
    draining = Draining()
    assert not draining
    draining.begin()
    draining.begin()
    assert draining
