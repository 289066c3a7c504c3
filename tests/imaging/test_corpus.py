"""Real documents, when a folder of them is named: each is rendered or refused for a reason."""

import asyncio
import os
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest

from imaging.conversions import Conversion
from imaging.errors import BrokenSource, PageMissing
from imaging.names.renditions import Renditions
from imaging.workers.pool import RenderPool

FOLDER = os.environ.get("OSTIARY_CORPUS", "")
NAMES = ("w160-jpeg", "w640-webp", "w640-avif", "p1-w1280", "p2-w320", "thumb-png")

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="OSTIARY_CORPUS names no folder: NO REAL DOCUMENT WAS RENDERED"
)


def test_every_document_is_rendered_or_refused_for_a_reason() -> None:
    renditions = Renditions({"thumb": "w160-h160-cover"})
    sources = [path for path in sorted(Path(FOLDER).rglob("*")) if path.is_file()]
    assert sources, f"{FOLDER} holds no file"

    async def outcome(pool: RenderPool, source: bytes, name: str) -> str:
        rendition = renditions.find(name)
        try:
            rendered = await pool.render(source, rendition)
        except PageMissing as missing:
            return "page missing" if rendition.page > missing.pages else "wrong page count"
        except BrokenSource as broken:
            return broken.reason
        whole = rendered.effort == "lossless"  # two colours, with all the pixels there are
        assert rendered.width > 0
        assert whole or rendered.width <= rendition.width
        return "rendered"

    async def main() -> dict[str, set[str]]:
        pool = RenderPool(2)
        await pool.start()
        try:
            found: dict[str, set[str]] = {}
            for path in sources:
                body = path.read_bytes()
                found[path.name] = {await outcome(pool, body, name) for name in NAMES}
            return found
        finally:
            await pool.aclose()

    found = asyncio.run(main())
    assert not {
        name
        for name, outcomes in found.items()
        if outcomes & {"crash", "timeout", "wrong page count"}
    }
    assert any("rendered" in outcomes for outcomes in found.values())


def test_every_pdf_is_linearised_and_read_or_refused_for_a_reason() -> None:
    sources = [path.read_bytes() for path in sorted(Path(FOLDER).rglob("*.pdf"))]
    assert sources, f"{FOLDER} holds no PDF"

    async def outcomes(pool: RenderPool, source: bytes) -> set[str]:
        made: set[str] = set()
        for conversion in (Conversion(), Conversion(1)):
            try:
                converted = await pool.convert(source, conversion)
            except BrokenSource as broken:
                made.add(broken.reason)
                continue
            made.add("kept" if converted.kept else conversion.kind)
            if conversion.kind == "linear" and converted.body:
                assert len(converted.body) <= 1.02 * len(source)
                with pikepdf.open(BytesIO(converted.body)) as copy:
                    assert copy.check_linearization()
        return made

    async def main() -> list[set[str]]:
        pool = RenderPool(2)
        await pool.start()
        try:
            return [await outcomes(pool, source) for source in sources]
        finally:
            await pool.aclose()

    found = asyncio.run(main())
    assert not any(made & {"crash", "timeout"} for made in found)
    assert any({"linear", "text"} <= made for made in found)
