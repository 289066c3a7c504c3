"""Likeness: which renditions look like their document, so that one may stand for the other."""

from __future__ import annotations

from dataclasses import fields

from imaging.names.renditions import Rendition

# What may differ in a rendition that shows all of page one; page and fit are looked at.
_HARMLESS = frozenset({"page", "width", "height", "fit", "quality", "format", "label"})
_PLAIN = Rendition()


def shows_all(rendition: Rendition) -> bool:
    """Whether a rendition shows page one: nothing cut off, stretched, hidden or added.

    A wish that is not known here says no.
    """
    if rendition.page > 1 or rendition.fit not in ("", "contain"):
        return False
    wishes = (wish.name for wish in fields(rendition) if wish.name not in _HARMLESS)
    return all(getattr(rendition, wish) == getattr(_PLAIN, wish) for wish in wishes)
