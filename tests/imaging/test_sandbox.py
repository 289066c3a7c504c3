"""Behind the filter every format renders to the very octets that it renders to without."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imaging.conversions import Conversion
from imaging.engine import convert, describe, render
from imaging.errors import WorkerLost
from imaging.names.renditions import Rendition
from imaging.rendered import MEDIA_TYPES
from imaging.workers.pool import RenderPool
from imaging.workers.specimens import SPECIMENS

ROOT = Path(__file__).resolve().parents[2]
TIFFS = {"raw": "RGB", "tiff_lzw": "RGB", "tiff_adobe_deflate": "L", "jpeg": "RGB", "packbits": "L"}
FAX = ("group3", "group4")


@pytest.fixture(scope="module")
def sources(darkroom) -> dict[str, bytes]:
    """What differs in how it is decoded, large enough for a decoder to use all it has."""
    photo = darkroom.quarters((900, 700))
    plain = dict.fromkeys(("JPEG", "PNG", "WEBP", "AVIF", "BMP", "JPEG2000"), photo)
    made = {kind: darkroom.file(image, kind) for kind, image in plain.items()}
    made |= {f"specimen {n}": make() for n, make in enumerate(sum(SPECIMENS.values(), ()))}
    for compression, mode in [*TIFFS.items(), *((fax, "1") for fax in FAX)]:
        made[f"TIFF {compression}"] = darkroom.tiff(2, mode, compression=compression)
    return made | {
        "GIF": darkroom.file(photo.convert("P"), "GIF"),
        "animation": darkroom.file(
            photo.convert("P"), "GIF", save_all=True, append_images=[photo.convert("L")] * 3
        ),
        "CMYK": darkroom.file(photo.convert("CMYK")),
        "profile": darkroom.file(photo, icc_profile=darkroom.profile()),
        "turned": darkroom.file(photo, exif=darkroom.exif(6), progressive=True),
        "alpha": darkroom.file(photo.convert("RGBA"), "PNG"),
        "PDF": darkroom.pdf((600, 400), (100, 100)),
    }


def behind(work: Callable[[RenderPool], object]) -> object:
    async def main() -> object:
        pool = RenderPool(1)
        await pool.start()
        try:
            if not pool.filtered:
                pytest.skip("this kernel has no seccomp: NOTHING WAS CONFINED")
            return await work(pool)
        finally:
            await pool.aclose()

    return asyncio.run(main())


def test_every_source_becomes_every_format(sources: dict[str, bytes]) -> None:
    async def work(pool: RenderPool) -> None:
        for name, source in sources.items():
            assert await pool.describe(source) == describe(source), name
            for format in MEDIA_TYPES:
                rendition = Rendition(width=320, format=format)
                assert await pool.render(source, rendition) == render(source, rendition), name

    behind(work)


def test_every_conversion_is_made(darkroom) -> None:
    pdf = darkroom.pdf((600, 400), (100, 100))

    async def work(pool: RenderPool) -> None:
        for conversion in (Conversion(), Conversion(1), Conversion(2)):
            assert await pool.convert(pdf, conversion) == convert(pdf, conversion)

    behind(work)


FONTS = ["Helvetica", "Arial", "TimesNewRoman", "DejaVuSans", "LiberationSerif", "SimSun", "Nope"]


def test_a_page_in_fonts_that_are_not_in_it_is_drawn(darkroom) -> None:
    make, _ = SPECIMENS["application/pdf"]

    async def work(pool: RenderPool) -> None:
        for font in FONTS:
            source = make().replace(b"/Nowhere", b"/" + font.encode())
            rendition = Rendition(width=160, format="png")
            made = await pool.render(source, rendition)
            assert made == render(source, rendition)
            assert darkroom.opened(made.body).convert("L").getextrema()[0] < 64, font

    behind(work)


HIJACKED = """#!{python}
import os, socket, sys
sys.path.insert(0, {root!r})
from imaging.workers import protocol
from imaging.workers import worker
with socket.socket(fileno=0) as channel:
    filtered = worker.confine()
    channel.sendall(protocol.greeting(filtered=filtered))
    channel.recv(1)
    os.fork()
    worker.serve(channel)
"""


def test_what_takes_a_worker_over_costs_its_own_job_alone(darkroom, tmp_path: Path) -> None:
    program = tmp_path / "hijacked"
    program.write_text(HIJACKED.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)

    async def main() -> None:
        taken = RenderPool(1, executable=str(program))
        well = RenderPool(1)
        await asyncio.gather(taken.start(), well.start())
        try:
            if not taken.filtered:
                pytest.skip("this kernel has no seccomp: NOTHING WAS CONFINED")
            photo = darkroom.file(darkroom.quarters())
            with pytest.raises(WorkerLost, match="crash"):
                await taken.render(photo, Rendition(width=160))
            assert taken.pids == ()
            assert (await well.render(photo, Rendition(width=160))).width == 160
        finally:
            await asyncio.gather(taken.aclose(), well.aclose())

    asyncio.run(main())


def test_a_pool_tells_that_its_workers_are_not_filtered(tmp_path: Path) -> None:
    program = tmp_path / "bare"
    text = HIJACKED.format(python=sys.executable, root=str(ROOT))
    program.write_text(text.replace("worker.confine()", "False"))
    program.chmod(0o755)

    async def main() -> bool:
        pool = RenderPool(1, executable=str(program))
        await pool.start()
        try:
            return pool.filtered
        finally:
            await pool.aclose()

    assert not asyncio.run(main())
