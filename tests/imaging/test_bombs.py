"""Small files that ask for much: each costs its own job at most, and what a header tells no time.

All go through real workers, confined as they are in service.
"""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image

from imaging.errors import ImagingError, SourceTooLarge
from imaging.names.renditions import Rendition
from imaging.workers.pool import RenderPool
from imaging.workers.processes import resident
from imaging.workers.specimens import SPECIMENS

WIDE = Rendition(width=640)
TICK = os.sysconf("SC_CLK_TCK")
SOON = 1.0
"""Seconds of processor time in which a header is read, and far more than that takes."""

HEAVIEST = 1400 << 20


def specimen(kind: str) -> bytes:
    return SPECIMENS[kind][0]()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(side: int, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(side * (side + 1) if side < 100 else 1000)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + pixels + chunk(b"IEND", b"")


def claiming(kind: str, shape: str, old: tuple[int, int], new: tuple[int, int]) -> bytes:
    """The specimen with another size in its header."""
    source, size = specimen(kind), struct.pack(shape, *old)
    assert size in source
    return source.replace(size, struct.pack(shape, *new))


def jpeg(width: int, height: int) -> bytes:
    return claiming("image/jpeg", ">HH", (16, 16), (height, width))


def tiff_of(*entries: tuple[int, int, int, int]) -> bytes:
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + fields + bytes(4)


def chained_tiff(pages: int) -> bytes:
    """Directories that all show the same pixel, every one a page."""
    entries = [(256, 4, 1, 1), (257, 4, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 1)]
    one = tiff_of(*entries)[8:-4]
    length = len(one) + 4
    links = [8 + length * (n + 1) for n in range(pages - 1)]
    return b"II*\0\x08\0\0\0" + b"".join(one + struct.pack("<I", link) for link in [*links, 0])


def pdf_of(*objects: bytes) -> bytes:
    """Objects numbered from one; the first is the catalogue. Readers find them by themselves."""
    bodies = (b"%d 0 obj\n%s\nendobj\n" % (n, body) for n, body in enumerate(objects, 1))
    return b"%PDF-1.7\n" + b"".join(bodies) + b"trailer<</Root 1 0 R/Size 99>>\n%%EOF"


def drawn_pdf(
    content: bytes, resources: bytes = b"", *more: bytes, box: bytes = b"0 0 99 99"
) -> bytes:
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>>>"
        % (box, resources),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        *more,
    )


def zeros(megabytes: int) -> bytes:
    """A keyword and so many octets, packed as PNG has them."""
    return b"k\0\0" + zlib.compress(bytes(megabytes << 20), 9)


def flate_pdf(octets: int) -> bytes:
    packed = zlib.compress(b"0 0 m " * (octets // 6), 9)
    stream = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
    return drawn_pdf(b"").replace(b"<</Length 0>>stream\n\nendstream", stream)


def form(resources: bytes, content: bytes) -> bytes:
    head = b"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<<%s>>/Length %d>>"
    return head % (resources, len(content)) + b"stream\n" + content + b"\nendstream"


def doubling_pdf(depth: int) -> bytes:
    """Forms that each draw the next one ten times."""
    forms = [form(b"/XObject<</A %d 0 R>>" % (6 + n), b"/A Do " * 10) for n in range(depth)]
    return drawn_pdf(b"/A Do", b"/XObject<</A 5 0 R>>", *forms, form(b"", b"0 0 9 9 re f"))


def dicom(**words: int) -> bytes:
    """The specimen with other values: rows, columns."""
    source = specimen("application/dicom")
    for name, old in (("rows", 120), ("columns", 200)):
        if name in words:
            head = b"US\2\0"
            source = source.replace(
                head + struct.pack("<H", old), head + struct.pack("<H", words[name])
            )
    return source


def deep_dicom(depth: int) -> bytes:
    source = specimen("application/dicom")
    nest = struct.pack("<HH2s2xI", 0x0028, 0x9110, b"SQ", 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return source[:-24012] + (nest + item) * depth


TOLD = {
    "PNG of 2.5 gigapixels": png(50_000),
    "JPEG of 4 gigapixels": jpeg(65_500, 65_500),
    "GIF of 4 gigapixels": claiming("image/gif", "<HH", (16, 16), (65_535, 65_535)),
    "BMP of 3.6 gigapixels": claiming("image/bmp", "<ii", (16, 16), (60_000, 60_000)),
    "JPEG 2000 of 10 gigapixels": claiming("image/jp2", ">II", (16, 16), (100_000, 100_000)),
    "AVIF of 144 megapixels": claiming("image/avif", ">II", (16, 16), (12_000, 12_000)),
    "HEIC of 400 megapixels": claiming("image/heic", ">II", (64, 64), (20_000, 20_000)),
    "TIFF of 1.6 gigapixels": tiff_of(
        (256, 4, 1, 40_000), (257, 4, 1, 40_000), (262, 3, 1, 1), (273, 4, 1, 8), (279, 4, 1, 9)
    ),
    "WebP of 268 megapixels": b"RIFF\x2a\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xfe\x3f\0" * 2
    + b"VP8L\x10\0\0\0\x2f\xff\xff\xff\x0f" + bytes(11),
    "DICOM of 4 gigapixels": dicom(rows=65_535, columns=65_535),
    "TIFF of 20,000 pages": chained_tiff(20_000),
}  # fmt: skip

# Made when they are asked for: packing so much takes seconds.
HEAVY: dict[str, Callable[[], bytes]] = {
    "zTXt of 60 MB, twenty times": lambda: png(64, *[chunk(b"zTXt", zeros(60))] * 20),
    "iCCP of 200 MB": lambda: png(64, chunk(b"iCCP", zeros(200))),
    "JPEG 2000 in tiles of one pixel": lambda: claiming(
        "image/jp2", ">II", (16, 16), (5_000, 5_000)
    ).replace(struct.pack(">4I", 0, 0, 5_000, 5_000), struct.pack(">4I", 0, 0, 1, 1)),
    "AVIF whose boxes go on without end": lambda: specimen("image/avif").replace(
        b"meta", b"meta" + b"\0\0\0\x01free" + b"\xff" * 8
    ),
    "HEIC of boxes in boxes": lambda: specimen("image/heic")[:28] + b"".join(
        struct.pack(">I", 8 * n) + b"meta" for n in range(20_000, 0, -1)
    ),
    "PDF whose pages are their own parents": lambda: pdf_of(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9999>>"
    ),
    "PDF whose tables lead to themselves": lambda: drawn_pdf(b"").replace(
        b"trailer<<", b"trailer<</Prev 9 0 R/XRefStm 9 "
    ) + b"\nstartxref\n9\n%%EOF",
    "PDF whose object stream holds itself": lambda: drawn_pdf(
        b"", b"/X 5 0 R", b"<</Type/ObjStm/N 99/First 9/Extends 5 0 R/Length 9>>stream\n5 0 5 0 5\n"
        b"endstream",
    ),
    "PDF whose form draws itself": lambda: drawn_pdf(
        b"/A Do", b"/XObject<</A 5 0 R>>", form(b"/XObject<</A 5 0 R>>", b"/A Do /A Do")
    ),
    "PDF of 200 MB in one stream": lambda: flate_pdf(200 << 20),
    "PDF of a hundred million forms": lambda: doubling_pdf(8),
    "PDF as wide as a land": lambda: drawn_pdf(b"0 0 9 9 re f", box=b"0 0 1000000 1000000"),
    "PDF with a box without end": lambda: drawn_pdf(b"", box=b"0 0 99999999999 99999999999"),
    "PDF in brackets": lambda: drawn_pdf(b"[" * 500_000),
    "DICOM in sequences": lambda: deep_dicom(100_000),
    "DICOM without pixels": lambda: dicom()[:-24_000],
}  # fmt: skip


def spent(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICK


def pooled(work: Callable[[RenderPool], Awaitable[None]]) -> None:
    async def main() -> None:
        pool = RenderPool(1, timeout=3)
        await pool.start()
        try:
            await work(pool)
        finally:
            await pool.aclose()

    asyncio.run(main())


def test_what_the_header_tells_is_refused_at_once() -> None:
    async def work(pool: RenderPool) -> None:
        [pid] = pool.pids
        for name, source in TOLD.items():
            for ask in (pool.describe(source), pool.render(source, WIDE)):
                before = spent(pid)
                with pytest.raises(SourceTooLarge):
                    await ask
                assert pool.pids == (pid,), name
                assert spent(pid) - before < SOON, name

    pooled(work)


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_heavy_costs_its_own_job_at_most(name: str) -> None:
    source = HEAVY[name]()

    async def work(pool: RenderPool) -> None:
        for ask in (pool.describe(source), pool.render(source, WIDE)):
            try:
                await ask
            except ImagingError:
                continue
            finally:
                assert all(resident(pid) < HEAVIEST for pid in pool.pids)
        assert (await pool.render(specimen("image/png"), WIDE)).width == 16

    pooled(work)


def test_an_animation_of_3000_frames_is_shown_by_its_first(darkroom) -> None:
    frames = [Image.new("P", (2, 2), n % 2) for n in range(3_000)]
    source = darkroom.file(Image.new("P", (900, 900)), "GIF", save_all=True, append_images=frames)

    async def work(pool: RenderPool) -> None:
        [pid] = pool.pids
        assert (await pool.describe(source)).pages == 1
        assert (await pool.render(source, WIDE)).width == 640
        assert pool.pids == (pid,)

    pooled(work)


def test_a_file_of_two_kinds_is_of_the_first_and_nothing_else_comes_out_of_it(darkroom) -> None:
    script = b"<script>alert(1)</script>"
    picture, page = darkroom.file(darkroom.quarters()), darkroom.pdf((300, 200))
    gif = specimen("image/gif")
    sources = {
        picture + page: ("image/jpeg", 800),
        gif[:-1] + b"\x21\xfe" + bytes([len(script)]) + script + b"\0;" + b"*/alert(1)": (
            "image/gif", 16,
        ),
        png(64, chunk(b"tEXt", b"Title\0" + script)) + b"<html>" + script: ("image/png", 64),
        page + picture: ("application/pdf", 300),
    }  # fmt: skip

    async def work(pool: RenderPool) -> None:
        for source, told in sources.items():
            described = await pool.describe(source)
            assert (described.media_type, described.width) == told
            for format in ("png", "webp", "jpeg"):
                made = await pool.render(source, Rendition(width=160, format=format))
                assert b"script" not in made.body
                assert b"%PDF" not in made.body

    pooled(work)
