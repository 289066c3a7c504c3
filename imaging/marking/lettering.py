"""Lettering: text in the letters of the one font that is always there, Pillow's own."""

from __future__ import annotations

import unicodedata

from anyascii import anyascii

REPERTOIRE = frozenset({*map(chr, range(0x20, 0x7F)), *"©«°±´·»‘’“”…‹›⁄™"})
"""Every character that the font can draw; for all others it has but an empty box."""


def legible(text: str) -> str:
    """The text in the font's letters: what it lacks is transliterated, letter by letter.

    That covers accents, Greek, Cyrillic, Arabic, Hebrew, Indic scripts, Chinese, Japanese and
    Korean, in the order of speech, so that nothing is left to run from right to left. Empty when
    there is no letter and no digit to read in the end.
    """
    composed = unicodedata.normalize("NFC", text)
    drawn = "".join(one if one in REPERTOIRE else _written(one) for one in composed)
    return " ".join(drawn.split()) if any(map(str.isalnum, drawn)) else ""


def _written(character: str) -> str:
    """Symbols have names and no letters; controls have neither, and some of them are spaces."""
    if unicodedata.category(character)[0] in "CS":
        return " "
    return anyascii(character)
