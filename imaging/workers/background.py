"""A worker that nobody waits for: it makes renditions better while the machine has time to spare.

It does what the others do, and improving beside. numpy, where there is any, is loaded here alone.
"""

from __future__ import annotations

import os
from functools import partial

from PIL import Image

from imaging.encoding.improving import Examiner, Judge, improved
from imaging.engine import render
from imaging.errors import ImagingError
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind
from imaging.pixels.scaled import Scaled
from imaging.workers import protocol, worker

CPU_SECONDS = 30
"""What one improvement may take: the first one's work again, and up to two slow encodings."""

_NICE = 19
# Large enough to be judged, and by two crops.
_TRIED = (600, 120)


def main() -> None:
    """Serves the socket on descriptor 0."""
    worker.begin(_NICE)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    worker.prepare()
    examiner = find_examiner()
    prepare(examiner)
    worker.work(partial(answer, examiner=examiner))


def find_examiner() -> Examiner:
    """The one that judges by numpy, or where that is not installed, one that never does."""
    # One job has one core; and no thread can be started later.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        from imaging.encoding.judging import examine
    except ImportError:
        return unexamined
    return examine


def unexamined(image: Image.Image) -> Judge | None:
    """No judge."""
    return None


def prepare(examiner: Examiner) -> None:
    """Loads all that improving may need, by doing it once in each way."""
    grey = Image.radial_gradient("L").resize(_TRIED)
    for mode in ("L", "RGB", "RGBA"):
        seen = Scaled(grey.convert(mode), Kind.PHOTO, "jpeg")
        for format in ("jpeg", "webp", "avif"):
            improved(seen, Rendition(format=format), 0, examiner)


def answer(
    head: protocol.Head, source: bytes, examiner: Examiner
) -> tuple[dict[str, object], bytes]:
    """The reply to a request, errors too: an improvement has more time than the rest."""
    if head.text("do") != "improve":
        return worker.answer(head, source)
    worker.arm_cpu(CPU_SECONDS)
    finish = partial(improved, examiner=examiner)
    try:
        made = render(source, protocol.rendition_of(head), protocol.limits_of(head), finish)
    except ImagingError as error:
        return protocol.error_reply(error), b""
    return protocol.rendered_reply(made), made.body
