"""Selections: which representation of a document answers a request.

A rendition that is not lighter than its original gives way: to one in another format, where the
format is open, or to the original itself, where the link opens that too. The name `auto` is what
was chosen for the document.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from time import gmtime, strftime
from typing import NamedTuple, TypeAlias

from gateway.deliveries import Request
from gateway.documents import Document
from gateway.errors import DocumentBroken, ViewerUnknown
from gateway.making.choices import ORIGINAL, Choice, Unseen, choose
from gateway.making.derive import Deriver
from gateway.making.sights import Sights
from gateway.originals import Originals
from gateway.permits import Permit
from gateway.representations import WEIGHT, Fields, Ready
from imaging.conversions import Conversion
from imaging.errors import BrokenSource
from imaging.media import DICOM
from imaging.names.negotiate import accepted_formats, origin_format, shows
from imaging.names.renditions import AUTO, ORIGIN, Auto, Product, Rendition, Renditions
from imaging.rendered import MEDIA_TYPES
from signing.links import Link

Pass: TypeAlias = Link | Permit
"""What lets a request in."""

# Other formats are tried for a rendition up to so many times its original's octets: none of them
# saves more.
_WITHIN_REACH = 2


class Selection(NamedTuple):
    """What is sent: `fields` say why it is not what was asked for by name.

    `negotiated` says that another Accept could have another answer, `final` is False where a
    better one is to be expected; `level` is the cache level it came from, or "miss".
    """

    ready: Ready
    negotiated: bool = False
    final: bool = True
    fields: Fields = ()
    level: str = "memory"


_ORIGINAL = None
_UNCHOSEN = Choice(ORIGINAL, "unchosen", {})
Search: TypeAlias = Generator[Product | None, Ready, Selection]
"""Asks for one representation after another, None for the original, and ends with the answer."""


First: TypeAlias = Callable[[Pass, Document, Rendition], None]


class Selector:
    """Selects among the original, renditions and conversions of a document.

    `first` is told of each rendition that had to be made and was the one to be had.
    """

    def __init__(
        self,
        renditions: Renditions,
        originals: Originals,
        deriver: Deriver,
        sights: Sights,
        first: First = lambda link, document, rendition: None,
    ) -> None:
        self._first = first
        self._renditions = renditions
        self._sights = sights
        self._originals = originals
        self._deriver = deriver

    def near(self, link: Pass, request: Request, document: Document) -> Selection | None:
        """The selection when memory holds all that it takes; nothing is waited for.

        Raises `ViewerUnknown`.
        """
        if link.rendition == "original":
            original = self._originals.near(document)
            return None if original is None else Selection(original)
        choice = _UNCHOSEN
        if link.rendition == AUTO:
            sight = self._sights.near(document)
            if sight is None:
                return None
            choice = choose(document, sight, request.accept)
        search = self._search(link, request, document, choice)
        wanted = next(search)
        while True:
            found = self._near(document, wanted)
            if found is None:
                return None
            try:
                wanted = search.send(found)
            except StopIteration as end:
                selection: Selection = end.value
                return selection

    async def select(self, link: Pass, request: Request, document: Document) -> Selection:
        """The selection, whatever it takes to find or make it.

        Raises `ViewerUnknown`, and what the store and the deriver raise.
        """
        if link.rendition == "original":
            return Selection(await self._originals.ready(document), level="miss")
        if link.rendition != AUTO:
            selection = await self._end(self._search(link, request, document), document)
            self._tell(link, request, document, selection)
            return selection
        choice = choose(document, await self._sights.of(document), request.accept)
        try:
            return await self._end(self._search(link, request, document, choice), document)
        except (BrokenSource, DocumentBroken) as broken:
            choice = choose(document, Unseen(broken.reason, final=False), request.accept)
            return await self._end(self._search(link, request, document, choice), document)

    def _tell(self, link: Pass, request: Request, document: Document, selection: Selection) -> None:
        """Tell of what was made, unless it took another's place."""
        shown = selection.ready.representation
        made = selection.level == "miss" and not shown.heavier
        if not (made and self._renditions.declared(link.rendition)):
            return
        asked = self._renditions.find(link.rendition)
        if isinstance(asked, Rendition):
            best = _offers(asked, request.accept, document)[0]
            if shown.name == best.spec:
                self._first(link, document, best)

    async def _end(self, search: Search, document: Document) -> Selection:
        level, wanted = "disk", next(search)
        while True:
            found, hit = await self._found(document, wanted)
            level = level if hit else "miss"
            try:
                wanted = search.send(found)
            except StopIteration as end:
                selection: Selection = end.value
                return selection._replace(level=level)

    def _near(self, document: Document, wanted: Product | None) -> Ready | None:
        if wanted is None:
            return self._originals.near(document)
        return self._deriver.near(document, wanted)

    async def _found(self, document: Document, wanted: Product | None) -> tuple[Ready, bool]:
        if wanted is None:
            return await self._originals.ready(document), True
        return await self._deriver.ready(document, wanted)

    def _search(
        self, link: Pass, request: Request, document: Document, choice: Choice = _UNCHOSEN
    ) -> Search:
        product = self._renditions.find(link.rendition)
        if isinstance(product, Auto):
            return (yield from self._chosen(choice, request.accept, document))
        if isinstance(product, Conversion):
            return (yield from _exactly(product))
        if product.marked:
            product = _filled(product, request)
        if product.format == ORIGIN:
            product = product.with_format(origin_format(document.sniffed))
        whole = link.grant.covers == "all"
        return (yield from _lightest(product, request.accept, document, whole=whole))

    def _chosen(self, choice: Choice, accept: str, document: Document) -> Search:
        """What was chosen; the original where that turns out to be lighter, and can be shown."""
        product = None if choice.name == ORIGINAL else self._renditions.find(choice.name)
        assert not isinstance(product, Auto), "a choice is no choice again"
        found = yield product
        final = choice.final and found.representation.final
        if found.representation.heavier and (document.media.pdf or shows(accept, document.sniffed)):
            choice, found = replace(choice, name=ORIGINAL, why="light"), (yield _ORIGINAL)
        return Selection(found, choice.negotiated, final, (choice.field,))


def _filled(rendition: Rendition, request: Request) -> Rendition:
    """The rendition with its mark's fields filled in: the day in UTC, and who looks."""
    mark = rendition.mark
    if mark.names_viewer and not request.viewer.known:
        raise ViewerUnknown
    day = strftime("%Y-%m-%d", gmtime(request.now))
    return replace(rendition, mark=mark.filled(request.viewer, day))


def _exactly(product: Product) -> Search:
    return Selection((yield product))


def _lightest(asked: Rendition, accept: str, document: Document, *, whole: bool) -> Search:
    """The rendition in the best format in which it is lighter than its original.

    Else the original, if it may be given `whole` and can stand for it; else the lightest.
    """
    tried: list[Ready] = []
    for rendition in _offers(asked, accept, document):
        found = yield rendition
        tried.append(found)
        representation = found.representation
        if not representation.heavier:
            return Selection(found, asked.automatic, representation.final)
        if representation.size >= _WITHIN_REACH * document.size:
            break
    lightest = min(tried, key=lambda found: found.representation.size)
    final = lightest.representation.final
    if whole and stands_in(asked, accept, document):
        told = (WEIGHT, b"original;rendition=%d" % lightest.representation.size)
        return Selection((yield _ORIGINAL), asked.automatic, final, (told,))
    return Selection(lightest, asked.automatic, final)


def _offers(asked: Rendition, accept: str, document: Document) -> list[Rendition]:
    """The rendition in each format that may answer the request, the best one first."""
    if not asked.automatic:
        return [asked]
    paged = asked.page > 0 or document.sniffed == DICOM
    return [asked.with_format(form) for form in accepted_formats(accept, alpha_or_page=paged)]


def stands_in(asked: Rendition, accept: str, document: Document) -> bool:
    """Whether the original shows all that a rendition shows, and nothing else.

    So it does when nothing but a size, a quality and a format was asked for: all else changes
    what is seen, and what a later engine can be asked for is refused until this line knows it.
    """
    plain = Rendition(width=asked.width, height=asked.height, fit=asked.fit)
    plain = replace(plain, quality=asked.quality, format=asked.format, label=asked.label)
    if plain != asked or asked.fit not in ("", "contain"):
        return False
    if asked.automatic:
        return shows(accept, document.sniffed)
    if document.sniffed == "image/gif":  # JPEG and PNG are asked for where nothing is to move
        return asked.format in _MOVING
    return shows(_PROVEN[asked.format], document.sniffed)


_MOVING = ("webp", "avif")
# What a browser shows that was sent to a name with that format: who shows AVIF shows WebP.
_PROVEN = {form: f"{media_type}, */*" for form, media_type in MEDIA_TYPES.items()}
_PROVEN["avif"] += ", image/webp"
