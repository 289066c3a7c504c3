"""A small document from memory while hostile files are rendered: what its readers notice."""

from __future__ import annotations

import statistics
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from io import BytesIO
from itertools import cycle
from pathlib import Path

from PIL import Image

from bench.documents import SMALL, Documents
from bench.load import LoadFailed
from bench.ostiary import Ostiary, folder_store, ostiary
from bench.table import Goal, Row

SECONDS, ROUNDS, PAUSE = 4.0, 3, 0.005
"""A reader asks, waits a little, and asks again: what a crowd would notice, not what it costs."""

GOAL = Goal(2.0, most=True)
_LEAST = 100


def run(folder: Path) -> list[Row]:
    """Take the times alone and beside the renderings by turns, over three rounds."""
    documents = Documents(folder / "docs")
    documents.small()
    with ostiary(folder, folder_store(documents.root)) as gateway:
        _read(gateway, 1.0)
        alone: list[float] = []
        beside: list[float] = []
        rendered = 0
        for number in range(ROUNDS):
            alone += _read(gateway, SECONDS)
            with _rendering(gateway, _bombs(documents, number)) as answers:
                beside += _read(gateway, SECONDS)
            rendered += len(answers)
    return rows(alone, beside, rendered)


def _bombs(documents: Documents, number: int) -> list[str]:
    """So many that no one is asked for twice: what has failed once is refused without a try."""
    made = {f"bomb-{number}-{n}.pdf": _forms(9) for n in range(8)}
    made |= {f"page-{number}-{n}.png": _white(7_000) for n in range(8)}
    for name, octets in made.items():
        documents.add(name, octets)
    names = list(made)
    return [name for pair in zip(names[:8], names[8:], strict=True) for name in pair]


def _forms(depth: int) -> bytes:
    """A page whose one form draws another ten times, which draws another ten times, and so on."""
    head = b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</A %d 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
        b"/Resources<</XObject<</A 5 0 R>>>>>>",
        _stream(b"", b"/A Do"),
        *(_stream(head % (6 + n), b"/A Do " * 10) for n in range(depth)),
        _stream(head % 0, b"0 0 9 9 re f"),
    ]
    bodies = (b"%d 0 obj\n%s\nendobj\n" % (n, body) for n, body in enumerate(objects, 1))
    return b"%PDF-1.7\n" + b"".join(bodies) + b"trailer<</Root 1 0 R/Size 99>>\n%%EOF"


def _stream(head: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (head, len(content), content)


def _white(side: int) -> bytes:
    """A picture of 49 megapixels in some kilobytes."""
    out = BytesIO()
    Image.new("L", (side, side), 255).save(out, "PNG")
    return out.getvalue()


def rows(alone: Sequence[float], beside: Sequence[float], rendered: int) -> list[Row]:
    """The 95th percentiles of both, in ms, and how they are to each other."""
    if min(len(alone), len(beside)) < _LEAST or not rendered:
        raise LoadFailed("too few requests were answered")
    quiet, loud = late(alone), late(beside)
    return [
        Row("p95 alone", f"{quiet * 1e3:.3g} ms", len(alone)),
        Row("p95 while hostile files are rendered", f"{loud * 1e3:.3g} ms", len(beside)),
        Row("hostile files answered meanwhile", f"{rendered}", rendered),
        Row.judged("p95 beside to alone", loud / quiet, "x", len(beside), GOAL),
    ]


def late(times: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]


def _read(gateway: Ostiary, seconds: float) -> list[float]:
    """One reader on one connection; how long each answer took."""
    target, times = gateway.link(SMALL), list[float]()
    connection = HTTPConnection("127.0.0.1", gateway.server.port, timeout=30)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        if answer.status != 200:
            raise LoadFailed(f"status {answer.status}")
        time.sleep(PAUSE)
    connection.close()
    return times


@contextmanager
def _rendering(gateway: Ostiary, names: Sequence[str]) -> Iterator[list[int]]:
    """Two others who ask for renditions of bombs without pause, in the block."""
    over = threading.Event()
    answers: list[int] = []

    def ask(mine: Sequence[str]) -> None:
        for name in cycle(mine):
            if over.is_set():
                return
            answers.append(_status(gateway.url(name, _rendition(name))))

    threads = [threading.Thread(target=ask, args=(names[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _rendition(name: str) -> str:
    return "p1-w640-webp" if name.endswith("pdf") else "w640-webp"


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
