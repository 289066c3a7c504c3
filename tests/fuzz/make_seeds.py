"""Makes the seeds: small files of each kind, and hostile ones whose headers lie.

python tests/fuzz/make_seeds.py      # into tests/fuzz/seeds
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SEEDS = Path(__file__).parent / "seeds"
# An encrypted file is another one each time that it is made.
LOCKED = {("application/pdf", 1)}
sys.path.insert(0, str(ROOT))

from imaging.workers.specimens import SPECIMENS  # noqa: E402


def picture(format: str, mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    rings = Image.radial_gradient("L").resize((48, 40))
    rings.convert(mode).save(out, format, **options)
    return out.getvalue()


def pages(compression: str, mode: str) -> bytes:
    more = [Image.new(mode, (20 + n, 30)) for n in range(2)]
    return picture("TIFF", mode, save_all=True, append_images=more, compression=compression)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    png = picture("PNG")
    return png[:33] + chunk(kind, data) + png[33:]


def small_dicom() -> bytes:
    """The specimen with eight rows of eight columns."""
    whole = SPECIMENS["application/dicom"][0]()
    head, pixels = whole[: -120 * 200 - 4], whole[-64:]
    for old in (120, 200):
        head = head.replace(b"US\2\0" + struct.pack("<H", old), b"US\2\0\x08\0")
    return head + struct.pack("<I", 64) + pixels


def seeds() -> Mapping[str, bytes]:
    """Every seed by its name."""
    special = {
        f"{kind.partition('/')[2]}-{number}": make()
        for kind, makers in SPECIMENS.items()
        for number, make in enumerate(makers)
        if kind != "application/dicom" and (kind, number) not in LOCKED
    }
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.new("P", (48, 40), n) for n in range(3)]
    return special | {
        "dicom": small_dicom(),
        "jpeg-turned": picture("JPEG", exif=exif, progressive=True, quality=50),
        "jpeg-cmyk": picture("JPEG", "CMYK", quality=50),
        "png-alpha": picture("PNG", "RGBA"),
        "png-text": with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 16))),
        "png-profile": with_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(4096))),
        "webp-lossless": picture("WEBP", lossless=True),
        "gif-moving": picture("GIF", "P", save_all=True, append_images=frames),
        "tiff-lzw": pages("tiff_lzw", "RGB"),
        "tiff-deflate": pages("tiff_adobe_deflate", "L"),
        "tiff-g4": pages("group4", "1"),
        "tiff-jpeg": pages("jpeg", "RGB"),
        "jp2-deep": picture("JPEG2000", "I;16"),
        "pdf-in-jpeg": picture("JPEG") + SPECIMENS["application/pdf"][0](),
        "html-in-png": with_chunk(b"tEXt", b"Title\0<script>alert(1)</script>"),
    }


if __name__ == "__main__":
    SEEDS.mkdir(exist_ok=True)
    for name, octets in seeds().items():
        (SEEDS / name).write_bytes(octets)
