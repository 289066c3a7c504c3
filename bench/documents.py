"""The documents of the bench: one folder for every server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

SMALL = "photo.jpg"
SMALL_OCTETS = 30_000
LARGE = "archive.bin"
LARGE_OCTETS = 200 << 20
BUCKET = "documents"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Documents:
    """A folder whose one subfolder is the bucket; `root` is what stores and nginx are given."""

    root: Path

    @property
    def bucket(self) -> Path:
        return self.root / BUCKET

    def small(self, name: str = SMALL) -> Path:
        """Make a photograph of exactly 30 KB; what follows its end no decoder reads."""
        return self._written(name, _photo().ljust(SMALL_OCTETS, b"\0"))

    def large(self) -> Path:
        """Make the document of 200 MB; it is in the page cache afterwards."""
        block = os.urandom(_BLOCK)
        return self._written(LARGE, *[block] * (LARGE_OCTETS // _BLOCK))

    def add(self, name: str, octets: bytes) -> Path:
        """Put any other document beside them."""
        return self._written(name, octets)

    def _written(self, name: str, *blocks: bytes) -> Path:
        path = self.bucket / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(blocks)
        return path


def _photo() -> bytes:
    """Noise, the size of a thumbnail."""
    out = BytesIO()
    Image.frombytes("RGB", (96, 72), os.urandom(96 * 72 * 3)).save(out, "JPEG", quality=90)
    return out.getvalue()
