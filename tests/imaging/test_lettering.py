"""Lettering: every text comes out in letters that the font really has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from imaging.marking.lettering import REPERTOIRE, legible

FONT = ImageFont.load_default(40)


def drawn(character: str) -> bytes:
    paper = Image.new("L", (80, 80))
    ImageDraw.Draw(paper).text((9, 9), character, 255, FONT)
    return paper.tobytes()


def test_the_font_has_every_letter_of_the_repertoire() -> None:
    box = drawn("\uffff")
    assert [one for one in sorted(REPERTOIRE) if drawn(one) == box] == []


def test_what_the_font_lacks_is_an_empty_box_and_no_part_of_the_repertoire() -> None:
    for character in "éЖ王あ한א":
        assert drawn(character) == drawn("\uffff")
        assert character not in REPERTOIRE


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Draft of 2026-11-23", "Draft of 2026-11-23"),
        ("© “Clinic”…", "© “Clinic”…"),
        ("Zoë Müller-Łukasz", "Zoe Muller-Lukasz"),
        ("Zoe\u0308", "Zoe"),
        ("Иванова Анна", "Ivanova Anna"),
        ("Γιώργος", "Giorgos"),
        ("王小明", "WangXiaoMing"),
        ("김철수", "GimCheolSu"),
        ("  two\u00a0 words ", "two words"),
    ],
)
def test_what_the_font_lacks_is_transliterated(text: str, letters: str) -> None:
    assert legible(text) == letters


@pytest.mark.parametrize("text", ["דוד", "محمد"])
def test_what_runs_from_right_to_left_becomes_letters_that_do_not(text: str) -> None:
    assert legible(text).isascii()
    assert legible(text)[0].isalpha()


@pytest.mark.parametrize("text", ["", "  ", "–—", "\u200b", "\U000f0000", "...!"])
def test_without_a_letter_or_digit_nothing_is_legible(text: str) -> None:
    assert legible(text) == ""


@given(st.text())
def test_no_text_at_all_comes_out_with_a_letter_the_font_lacks(text: str) -> None:
    assert set(legible(text)) <= REPERTOIRE
