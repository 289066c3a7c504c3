"""Measurements: what is known of each version of a document, kept on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256

from gateway.caches.disk import DiskCache
from gateway.caches.entry import Meta
from gateway.documents import Document
from imaging.rendered import ENGINE_VERSION, Rendered


@dataclass(frozen=True, slots=True)
class Measured:
    """Pixels and pages where they are known. A PDF has pages and no pixels.

    `sizes` are those of the first pages, as `Description` has them; `broken` is the reason why
    nothing can be made of the document, empty when none is known; `placeholder` is the ThumbHash
    of page one, empty until a picture was made of it.
    """

    width: int | None = None
    height: int | None = None
    pages: int | None = None
    sizes: tuple[tuple[float, float], ...] = ()
    broken: str = ""
    placeholder: bytes = b""


UNKNOWN = Measured()


class Measurements:
    """Keeps what was measured, and what pictures told when they were made.

    Two who write at once may lose what one of them knew: it is found again when it is asked for.
    """

    def __init__(self, disk: DiskCache) -> None:
        self._disk = disk

    async def known(self, document: Document) -> Measured:
        """What is known of the document's version."""
        cached = await self._disk.get(_name(document))
        return _recalled(cached.meta) if cached else UNKNOWN

    async def note(self, document: Document, measured: Measured) -> Measured:
        """Keep what was measured, beside the placeholder; all that is known now."""
        known = await self.known(document)
        if measured.broken and known.placeholder:
            return known
        measured = replace(measured, placeholder=measured.placeholder or known.placeholder)
        await self._disk.put(_name(document), _noted(measured), b"")
        return measured

    async def learn(self, document: Document, made: Rendered) -> None:
        """Keep the placeholder and the true size that a picture brought, unless they are known.

        What a picture could be made of is not broken, whatever its first octets looked like.
        """
        known = await self.known(document)
        if not made.placeholder or known.placeholder:
            return
        width, height = (known.width, known.height) if known.width else made.source
        learnt = replace(
            known, width=width or None, height=height or None, placeholder=made.placeholder
        )
        await self._disk.put(_name(document), _noted(replace(learnt, broken="")), b"")


def _name(document: Document) -> str:
    parts = ("measured", ENGINE_VERSION, document.id, document.version)
    return sha256("\0".join(parts).encode()).hexdigest()


def _noted(measured: Measured) -> Meta:
    return {
        "width": measured.width or 0,
        "height": measured.height or 0,
        "pages": measured.pages or 0,
        "sizes": json.dumps(measured.sizes),
        "broken": measured.broken,
        "placeholder": measured.placeholder.hex(),
    }


def _recalled(meta: Meta) -> Measured:
    width, height, pages = (int(meta[key]) or None for key in ("width", "height", "pages"))
    sizes = tuple((across, down) for across, down in json.loads(str(meta["sizes"])))
    placeholder = bytes.fromhex(str(meta.get("placeholder", "")))
    return Measured(width, height, pages, sizes, str(meta["broken"]), placeholder)
