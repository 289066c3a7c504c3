"""Everything the engine can be asked of one source, in the order the gateway asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from imaging.conversions import Conversion
from imaging.encoding.improving import improved
from imaging.engine import convert, describe, glance, render
from imaging.errors import ImagingError
from imaging.limits import Limits
from imaging.marking.marks import Mark
from imaging.media import sniff
from imaging.names.areas import Area
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import Rendition
from imaging.workers.background import find_examiner

TIGHT = Limits(octets=1 << 20, pixels=100_000, pages=20)
"""Small enough that a mutant that is a bomb costs milliseconds."""

HIDDEN = Redaction("face", 1, (Box(Area(100, 200, 300, 400)), Box(Area(0, 0, 1, 1), white=True)))
RENDITIONS = (
    Rendition(width=64),
    Rendition(page=2, width=32, height=32, fit="cover"),
    Rendition(width=64, crop=Area(150, 0, 900, 333), redaction=HIDDEN),
    Rendition(width=64, height=64, fit="fill", mark=Mark("draft", "Draft")),
)
BETTER = partial(improved, examiner=find_examiner())


def look_at(source: bytes) -> None:
    """Ask all of it; what the engine refuses on purpose is well."""
    sniff(source)
    for ask in _questions(source):
        try:
            ask()
        except ImagingError:
            continue


def _questions(source: bytes) -> Iterator[Callable[[], object]]:
    yield partial(describe, source, TIGHT)
    yield partial(glance, source, TIGHT)
    for rendition in RENDITIONS:
        yield partial(render, source, rendition, TIGHT)
    yield partial(render, source, Rendition(width=64, format="webp"), TIGHT, BETTER)
    if source[:1024].find(b"%PDF-") >= 0:
        for conversion in (Conversion(), Conversion(page=1)):
            yield partial(convert, source, conversion, TIGHT)
