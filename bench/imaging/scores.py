"""Scores: how near an answer is to the best that its photograph could look at that size.

The best is the whole picture decoded and scaled by Lanczos' filter. The measure is SSIMULACRA2 as
the package of that name computes it, which is none of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from io import BytesIO
from multiprocessing import get_context

from PIL import Image, ImageCms, ImageOps

from bench.load import LoadFailed

_JUDGES = 2


def scores(pairs: Sequence[tuple[bytes, bytes]]) -> list[float]:
    """The score of each answer beside its photograph: 100 is the same, 70 high quality."""
    with ProcessPoolExecutor(_JUDGES, mp_context=get_context("spawn")) as judges:
        return list(judges.map(score, *zip(*pairs, strict=True)))


def score(answer: bytes, photo: bytes) -> float:
    """One score. Raises `LoadFailed` where the measure is not installed."""
    try:
        from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]
    except ImportError:
        raise LoadFailed("no ssimulacra2: make bench-imaging installs it") from None
    with Image.open(BytesIO(answer)) as opened:
        picture = seen(opened)
    best = _best(photo, picture.size)
    return float(compute_ssimulacra2(_plain(best), _plain(picture)))


@lru_cache(maxsize=8)
def _best(photo: bytes, size: tuple[int, int]) -> Image.Image:
    with Image.open(BytesIO(photo)) as opened:
        return seen(opened).resize(size, Image.Resampling.LANCZOS)


def seen(picture: Image.Image) -> Image.Image:
    """A picture as a browser shows it: upright and in sRGB."""
    upright = ImageOps.exif_transpose(picture)
    profile = picture.info.get("icc_profile")
    if not profile:
        return upright.convert("RGB")
    source, shown = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    turned = ImageCms.profileToProfile(upright, source, shown, outputMode="RGB")
    assert turned is not None  # only in place there is none
    return turned


def _plain(picture: Image.Image) -> BytesIO:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=0)
    out.seek(0)
    return out
