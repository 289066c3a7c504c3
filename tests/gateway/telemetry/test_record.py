from __future__ import annotations

import dataclasses
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.record import Record, Recorder

FULL = Record(
    "0123456789abcdef",
    "GET",
    "d",
    200,
    "",
    "clinic",
    "d-0a",
    "fe01",
    "w640",
    "w640-avif",
    "hit",
    3,
    "::/48",
    "t",
)


def test_the_line_says_what_happened() -> None:
    line = Recorder("eu").line(FULL, 1_790_000_000.25, 0.0015)
    assert line.endswith("}\n")
    assert json.loads(line) == {
        "ts": "2026-09-21T14:13:20.250Z",
        "level": "info",
        "event": "request",
        "request_id": "0123456789abcdef",
        "method": "GET",
        "route": "d",
        "status": 200,
        "code": "",
        "ms": 1.5,
        "zone": "clinic",
        "document": "d-0a",
        "link": "fe01",
        "rendition": "w640",
        "shown": "w640-avif",
        "cache": "hit",
        "bytes": 3,
        "client": "::/48",
        "trace": "t",
        "region": "eu",
        "pid": os.getpid(),
    }


def test_the_timestamp_follows_the_clock() -> None:
    recorder = Recorder("")
    stamps = [json.loads(recorder.line(FULL, now, 0))["ts"] for now in (0.0, 0.001, 0.001, 61.5)]
    assert [stamp[14:] for stamp in stamps] == [
        "00:00.000Z",
        "00:00.001Z",
        "00:00.001Z",
        "01:01.500Z",
    ]


@pytest.mark.parametrize(("status", "level"), [(499, "info"), (500, "error"), (503, "error")])
def test_our_own_failures_are_errors(status: int, level: str) -> None:
    line = Recorder("").line(dataclasses.replace(FULL, status=status), 0, 0)
    assert json.loads(line)["level"] == level


@given(st.text(), st.text(), st.sampled_from([f.name for f in dataclasses.fields(Record)]))
def test_no_value_breaks_out_of_its_line(value: str, region: str, field: str) -> None:
    record = dataclasses.replace(FULL)
    if isinstance(getattr(record, field), str):
        setattr(record, field, value)
    line = Recorder(region).line(record, 0, 0)
    assert line.count("\n") == 1
    assert line.isascii()
    facts = json.loads(line)
    assert facts["region"] == region
    assert len(facts) == 20
