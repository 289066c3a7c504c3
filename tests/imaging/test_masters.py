"""A master is a JPEG whose sizes are known; a worker's word for it is checked."""

from __future__ import annotations

import json

import pytest

from imaging.masters.masters import LARGEST, NARROWEST, NO_MASTER, WIDEST, Master, master_of
from imaging.masters.prints import serves
from imaging.names.renditions import parse_spec

JPEG = b"\xff\xd8\xff\xe0 a picture"
MASTER = Master(JPEG, 2048, 1536, (4032, 3024))


def test_it_is_told_whole_behind_another_body() -> None:
    told = json.loads(json.dumps(MASTER.told()))
    assert master_of(told, b"a rendition" + JPEG) == MASTER
    page = Master(JPEG, 2048, 2896, (595.28, 841.89))
    assert master_of(json.loads(json.dumps(page.told())), JPEG) == page


def test_none_is_none() -> None:
    assert not NO_MASTER
    assert MASTER


@pytest.mark.parametrize(
    "fields",
    [
        {"body": b"GIF89a"},
        {"body": JPEG + bytes(LARGEST)},
        {"width": 0},
        {"height": -1},
        {"size": (0, 10)},
        {"width": 2049},
        {"height": 10**400},
        {"size": (5e-324, 5e-324)},
    ],
)
def test_another_can_not_be_built(fields: dict[str, object]) -> None:
    good = {"body": JPEG, "width": 1, "height": 1, "size": (1, 1)}
    with pytest.raises(ValueError, match="a master"):
        Master(**{**good, **fields})


@pytest.mark.parametrize(
    "change",
    [
        {"octets": 0},
        {"octets": len(JPEG) + 1},
        {"octets": 3},
        {"octets": None},
        {"width": "2048"},
        {"size": [1]},
        {"size": ["1", 2]},
        {"size": [1e9, 2]},
        {"size": [float("nan"), 2]},
        {"height": -5},
        {"height": 10**400},
        {"size": [5e-324, 5e-324]},
    ],
)
def test_no_other_word_is_believed(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a master"):
        master_of({**MASTER.told(), **change}, JPEG)


@pytest.mark.parametrize("size", [(NARROWEST, NARROWEST), (WIDEST - 1, NARROWEST)])
@pytest.mark.parametrize("media_type", ["application/pdf", "image/tiff"])
def test_whatever_size_is_believed_can_be_counted_with(
    size: tuple[float, float], media_type: str
) -> None:
    for spec in ("w160", "h4096", "w90-h200-cover", "w90-h200-fill"):
        serves(Master(JPEG, 1, 16_383, size), parse_spec(spec), media_type)
