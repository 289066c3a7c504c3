"""Reading with several processes: what one would have told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress

import pytest

from gateway.simulation.addresses import Addresses
from gateway.simulation.formats import FORMATS
from gateway.simulation.logs import Reader
from gateway.simulation.portions import portions
from gateway.simulation.reading import read

FIELDS = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)"),
    *("cs-uri-stem", "sc-status", "cs(Referer)", "cs(User-Agent)", "cs-uri-query"),
    *("cs(Cookie)", "x-edge-result-type"),
)
READER = Reader("cloudfront", Addresses())


def lines(number: int, order: tuple[str, ...]) -> str:
    """Some reads with a line that can not be read, in the order of a heading."""
    told = dict.fromkeys(FIELDS, "-") | {
        **{"date": "2026-11-23", "time": f"07:37:{number:02}", "x-edge-location": "FRA56-P1"},
        **{"sc-bytes": str(number), "c-ip": "203.0.113.7", "cs-method": "GET"},
        **{"cs-uri-stem": f"/storage/v1/object/sign/documents/{number}.pdf"},
        **{"sc-status": "200", "cs-uri-query": f"token={number:040}", "x-edge-result-type": "Hit"},
    }
    return "\t".join(told[name] for name in order) + f"\nbroken {number}\n"


def log() -> list[bytes]:
    """Pieces of a log whose heading turns the order of the fields halfway."""
    turned = FIELDS[::-1]
    first = "".join(lines(number, FIELDS) for number in range(10))
    second = "".join(lines(number, turned) for number in range(10, 30))
    whole = f"{first}#Fields: {' '.join(turned)}\n{second}"
    return [line.encode() for line in whole.splitlines(keepends=True)]


def told(processes: int) -> list[object]:
    return list(read(READER, portions(log(), FORMATS["cloudfront"].heading), processes))


def test_the_result_is_the_same_however_many_processes_there_are() -> None:
    alone = told(1)
    assert told(2) == told(3) == alone
    assert len(alone) == 61


def test_no_process_starts_for_a_short_log() -> None:
    class Unsendable(Reader):
        def __reduce__(self) -> str:
            raise AssertionError("sent to a process")

    few = portions(log()[:3], "#Fields:")
    [first, *_] = read(Unsendable(READER.format, READER.addresses), few, 2)
    assert first[0].reads == 1


def test_who_stops_early_leaves_no_process_behind() -> None:
    parts = read(READER, portions(log(), "#Fields:"), 2)
    next(parts)
    assert multiprocessing.active_children()
    parts.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_is_told() -> None:
    class Deadly(Reader):
        def __reduce__(self) -> tuple[object, ...]:
            return os._exit, (9,)

    with pytest.raises(BrokenProcessPool):
        list(read(Deadly(READER.format, READER.addresses), portions(log(), "#Fields:"), 2))


# A log that never ends; what it says are its processes, which share its standard output.
ENDLESS = """
import multiprocessing, signal
from itertools import repeat
from gateway.simulation.addresses import Addresses
from gateway.simulation.logs import Reader
from gateway.simulation.portions import Portion
from gateway.simulation.reading import read

next(parts := read(Reader("nginx", Addresses()), repeat(Portion(b"")), 2))
print(*(child.pid for child in multiprocessing.active_children()), flush=True)
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_one_that_it_reads_for(number: int) -> None:
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        readers = [int(pid) for pid in program.stdout.readline().split()]
        program.send_signal(number)
        try:
            program.communicate(timeout=30)  # until nobody holds its output open
        finally:
            for reader in readers:
                with suppress(ProcessLookupError):
                    os.kill(reader, signal.SIGKILL)
    assert len(readers) == 2
