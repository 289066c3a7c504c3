"""There is a specimen of everything that the engine opens, and the engine opens it."""

from __future__ import annotations

import pytest

from imaging.conversions import Conversion
from imaging.engine import convert, describe, render
from imaging.media import HEIF, PAGED, PICTURES, sniff
from imaging.names.renditions import Rendition
from imaging.rendered import MEDIA_TYPES
from imaging.workers.specimens import SPECIMENS

MADE = [(kind, make()) for kind, makers in SPECIMENS.items() for make in makers]


def test_no_kind_that_renditions_are_made_of_is_missing() -> None:
    """One that is would load its decoder in the first job, where no file can be opened."""
    assert SPECIMENS.keys() - HEIF == (PICTURES | PAGED) - HEIF
    assert SPECIMENS.keys() & HEIF


@pytest.mark.parametrize(("kind", "specimen"), MADE, ids=[kind for kind, _ in MADE])
def test_a_specimen_is_what_it_is_called_and_becomes_every_format(
    kind: str, specimen: bytes
) -> None:
    assert sniff(specimen) == kind
    assert describe(specimen).media_type == kind
    for format, media_type in MEDIA_TYPES.items():
        assert render(specimen, Rendition(width=200, format=format)).media_type == media_type


def test_the_specimen_of_a_pdf_has_text() -> None:
    make, _ = SPECIMENS["application/pdf"]
    assert convert(make(), Conversion(page=1)).body == b"a"
