"""Neighbours: the rungs beside one that was made, wished for where the zone asks for it."""

from __future__ import annotations

from gateway.documents import Document
from gateway.making.improvements.wishes import Wishes
from gateway.making.selections import Pass
from gateway.rules import Rules
from imaging.names.renditions import LADDER, Rendition


class Neighbours:
    """Wishes for what whoever looks at a document is likely to ask for next."""

    def __init__(self, rules: Rules, wishes: Wishes) -> None:
        self._zones = rules.zones
        self._wishes = wishes

    def tell(self, link: Pass, document: Document, rendition: Rendition) -> None:
        """A rendition was made for that link: the next ones are wished for, if it opens them."""
        if self._zones[link.zone].prefetch and link.grant.covers in ("all", "previews"):
            for neighbour in neighbours(rendition):
                self._wishes.want_made(document, neighbour, link.generation)


def neighbours(rendition: Rendition) -> tuple[Rendition, ...]:
    """The next narrower and the next wider rung of the same page and format.

    What is no plain rung of the ladder in a format has none.
    """
    page, width, form = rendition.page, rendition.width, rendition.format
    if width not in LADDER or not form or rendition != Rendition(page, width, format=form):
        return ()
    place = LADDER.index(width)
    beside = (*LADDER[max(0, place - 1) : place], *LADDER[place + 1 : place + 2])
    return tuple(Rendition(page, rung, format=form) for rung in beside)
