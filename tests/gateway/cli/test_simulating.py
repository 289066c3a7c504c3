"""`ostiary simulate` over small logs: what it tells, and what it must not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

NAME = "secret-name"


def lines(count: int = 60) -> str:
    """Reads of two documents by turns, one a minute, each with a token of its own."""
    return "".join(
        f"203.0.113.{number % 5} - - [23/Nov/2026:{number // 60:02}:{number % 60:02}:00 +0000] "
        f'"GET /storage/v1/object/sign/documents/{NAME}-{number % 2}.pdf'
        f'?token={number:040} HTTP/2.0" 200 1000000 "-" "x"\n'
        for number in range(count)
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(lines())
    return path


def run(*words: object, status: int = 0, stdin: bytes = b"") -> Result:
    result = CliRunner().invoke(main, ["simulate", *map(str, words)], input=stdin)
    assert result.exit_code == status, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    for secret in (NAME, f"{7:040}", "203.0.113"):
        assert secret not in result.output
    return result


def modes(*words: object, stdin: bytes = b"") -> dict[str, Any]:
    told = json.loads(run(*words, "--json", stdin=stdin).stdout)
    return {one["mode"]: one for one in told["modes"]}


def test_the_table_has_a_row_for_each_mode(log: Path) -> None:
    output = run(log).output
    assert "60 lines (nginx), from 2026-11-23 00:00 UTC" in output
    rows = {line[:24].strip(): line.split() for line in output.splitlines() if " $" in line}
    assert rows["as logged"][-4:] == ["0.0%", "60", "0.06", "$0.01"]
    assert rows["edge"][-4:] == ["96.7%", "2", "0.00", "$0.00"]
    assert "Confidence: poor\n  - only 60 reads" in output


def test_costs_follow_the_prices(log: Path) -> None:
    found = modes(log, "--price-cached", 1, "--price-uncached", 1_000)
    assert found["as logged"]["plain"]["cost"] == pytest.approx(60)
    assert found["edge"]["plain"]["cost"] == pytest.approx(2 + 0.058)


def test_scripts_are_told_everything(log: Path) -> None:
    log.write_text("garbage\n" + lines())
    told = json.loads(run(log, "--json").stdout)
    assert told["format"] == "nginx"
    assert told["lines"]["broken"] == told["lines"]["first_broken"] == 1
    assert told["traffic"]["documents"] == 2
    assert told["traffic"]["edges"] == 1
    assert told["confidence"] == "poor"
    assert told["logged_hit_ratio"] is None
    assert "the first in line 1" in run(log).output


def test_several_logs_plain_gzipped_and_piped_are_one(log: Path, tmp_path: Path) -> None:
    halves = lines()[: len(lines()) // 2], lines()[len(lines()) // 2 :]
    first = tmp_path / "first.gz"
    first.write_bytes(gzip.compress(halves[0].encode()))
    whole = modes(log)
    assert modes(first, "-", stdin=halves[1].encode()) == whole
    assert modes("-", stdin=gzip.compress(lines().encode())) == whole


def test_a_damaged_gzip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(lines(2_000).encode())[:-20])
    assert "is damaged" in run(path, status=1).output


def test_edges_and_room_may_be_said(log: Path) -> None:
    assert modes(log, "--edges", 5)["edge"]["plain"]["hits"] < 58
    assert modes(log, "--cache-size", 0.001)["edge"]["plain"]["hits"] == 0
    assert modes(log, "--ttl", 1)["edge"]["plain"]["hits"] == 0


def test_browsers_may_keep_copies(log: Path) -> None:
    log.write_text(lines(1) * 3)
    assert modes(log, "--browsers")["edge"]["kept_by_browsers"] == 2
    assert "edge: 2 reads" in run(log, "--browsers").output


def test_paths_that_are_documents_may_be_named(log: Path) -> None:
    log.write_text(lines().replace("/storage/v1/object/sign/", "/files/").replace("?token=", "/"))
    assert "--prefix" in run(log, status=1).output
    assert modes(log, "--prefix", "/files/")["edge"]["plain"]["requests"] == 60


@pytest.mark.parametrize("octets", [b"", b"\n\n", gzip.compress(b"")])
def test_an_empty_log_is_told_to_be_empty(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "empty.log"
    path.write_bytes(octets)
    assert "there is no line in the log" in run(path, status=2).output


def test_what_is_no_log_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam\n")
    assert "--format" in run(path, status=2).output
    assert "no reads of documents in 1 lines" in run(path, "--format", "nginx", status=1).output
    assert run(tmp_path / "absent.log", status=2).output


def test_what_the_cache_said_is_held_against_the_simulation(log: Path) -> None:
    log.write_text(lines().replace('"x"\n', '"x" HIT\n'))
    told = json.loads(run(log, "--json").stdout)
    assert told["logged_hit_ratio"] == 1
    assert "100.0 points" in run(log).output
