"""Directories are counted by their links, wherever those lead."""

from __future__ import annotations

import struct

import pytest

from imaging.directories import count_directories
from imaging.engine import describe
from imaging.errors import SourceTooLarge
from imaging.limits import Limits


def chain(*links: int, order: str = "<", big: bool = False) -> bytes:
    """Directories without entries; each link is the number of the next one, 0 for none."""
    start, size = (16, 16) if big else (8, 6)
    at = [start + size * (link - 1) if link else 0 for link in (1, *links)]
    mark = b"II" if order == "<" else b"MM"
    magic = struct.pack(order + ("HHH" if big else "H"), *((43, 8, 0) if big else (42,)))
    offset = order + ("Q" if big else "I")
    body = b"".join(struct.pack(order + ("QQ" if big else "HI"), 0, link) for link in at[1:])
    return mark + magic + struct.pack(offset, at[0]) + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("links", "count"),
    [((0,), 1), ((2, 3, 0), 3), ((1,), 1), ((2, 3, 1), 3), ((2, 3, 2), 3), ((99,), 1)],
)
def test_a_chain_ends_at_its_end_where_it_closes_and_where_the_file_ends(
    links: tuple[int, ...], count: int, order: str, big: bool
) -> None:
    assert count_directories(chain(*links, order=order, big=big), 100) == count


def test_the_count_stops_right_beyond_the_limit() -> None:
    assert count_directories(chain(*range(2, 50), 0), 10) == 11


@pytest.mark.parametrize("cut", range(14))
def test_a_file_that_ends_too_soon_has_what_is_there(cut: int) -> None:
    assert count_directories(chain(2, 0)[:cut], 100) <= 2


def test_a_tiff_of_real_pages_is_counted_alike(darkroom) -> None:
    source = darkroom.tiff(5)
    assert count_directories(source, 100) == 5 == describe(source).pages
    with pytest.raises(SourceTooLarge, match="pages"):
        describe(source, Limits(pages=4))
