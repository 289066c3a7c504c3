"""Marks in the settings: each is one that can be drawn, and its faults are told at the start."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from gateway.configuration import load
from gateway.configuration.listing import listing
from gateway.errors import ConfigurationError
from gateway.settings.page import page
from gateway.settings.renditions import RenditionSettings
from imaging.marking.marks import Mark

KEYS = {"OSTIARY_SIGNING__KEYS__K1": "ab" * 32}


def file(path: Path, mode: str = "RGBA") -> Path:
    out = BytesIO()
    Image.new(mode, (40, 20)).save(out, "PNG")
    path.write_bytes(out.getvalue())
    return path


def marks(**tables: dict[str, Any]) -> dict[str, Mark]:
    return RenditionSettings.model_validate({"marks": tables}).mark_values()


def told(**tables: dict[str, Any]) -> str:
    """The only fault, with its place."""
    with pytest.raises(ValidationError) as caught:
        marks(**tables)
    (error,) = caught.value.errors()
    cause = error.get("ctx", {}).get("error")
    return (
        f"{'.'.join(map(str, error['loc']))} {cause or error['msg']} {getattr(cause, 'hint', '')}"
    )


def test_a_text_is_a_mark_with_what_was_not_said_as_usual() -> None:
    assert marks(draft={"text": "Draft of {date}"}) == {"draft": Mark("draft", "Draft of {date}")}


def test_everything_about_a_mark_can_be_said(tmp_path: Path) -> None:
    logo = file(tmp_path / "logo.png")
    table = {"image": str(logo), "opacity": 0.5, "place": "corner", "size": 1}
    octets = logo.read_bytes()
    assert marks(logo=table)["logo"] == Mark("logo", "", octets, 0.5, "corner", 1.0)


def test_an_image_is_read_once(tmp_path: Path) -> None:
    logo = file(tmp_path / "logo.png")
    settings = RenditionSettings.model_validate({"marks": {"logo": {"image": str(logo)}}})
    octets = logo.read_bytes()
    logo.unlink()
    assert settings.mark_values()["logo"].image == octets


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({}, "image or text is needed"),
        ({"text": "", "image": ""}, "image or text is needed"),
        ({"text": "a", "image": "/b"}, "and text are both given"),
        ({"text": "Geschäft"}, "U+00E4"),
        ({"text": "a\nb"}, "U+000A"),
        ({"text": "\u202eabc"}, "U+202E"),
        ({"text": "x" * 81}, "at most 80"),
        ({"text": "for {name}"}, "braces"),
        ({"text": 7}, "valid string"),
        ({"text": "a", "opacity": 0}, "greater than"),
        ({"text": "a", "opacity": 1.1}, "less than"),
        ({"text": "a", "opacity": float("nan")}, "finite"),
        ({"text": "a", "opacity": "0.5"}, "valid number"),
        ({"text": "a", "opacity": True}, "valid number"),
        ({"text": "a", "size": 0.01}, "greater than"),
        ({"text": "a", "place": "middle"}, "'tiled', 'centre' or 'corner'"),
        ({"text": "a", "colour": "red"}, "not permitted"),
        ({"image": "/nowhere/logo.png"}, "can not be read"),
        ({"image": "a\0b"}, "can not be read"),
        ({"image": "/"}, "can not be read"),
    ],
)
def test_what_is_no_mark_is_refused_with_its_fault(table: dict[str, Any], what: str) -> None:
    assert what in told(draft=table)


@pytest.mark.parametrize("name", ["Draft", "a-b", "a_b", "1", "a" * 17, ""])
def test_a_name_fits_into_the_name_of_a_rendition(name: str) -> None:
    assert "no name of a mark" in told(**{name: {"text": "a"}})


def test_an_image_without_alpha_is_refused(tmp_path: Path) -> None:
    assert "alpha" in told(logo={"image": str(file(tmp_path / "logo.png", "RGB"))})


def test_a_fault_tells_its_place_and_the_nearest_name(tmp_path: Path) -> None:
    config = tmp_path / "ostiary.toml"
    config.write_text(
        f"[signing]\nkeys = {{ k1 = '{'ab' * 32}' }}\n"
        "[renditions.marks.draft]\ntext = 'a'\nopacty = 0.5\nsize = 'big'\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load(config, {})
    faults = {fault.where.split(" ")[0]: fault for fault in caught.value.faults}
    assert faults["renditions.marks.draft.opacty"].hint == "nearest: renditions.marks.draft.opacity"
    assert faults["renditions.marks.draft.size"].what == "must be a number such as 0.25"


def test_the_environment_can_say_everything_too() -> None:
    prefix = "OSTIARY_RENDITIONS__MARKS__DRAFT__"
    said = {"TEXT": "Draft", "OPACITY": "0.5", "SIZE": "1", "PLACE": "centre"}
    settings = load(None, KEYS | {prefix + key: value for key, value in said.items()}).settings
    mark = Mark("draft", "Draft", opacity=0.5, size=1.0, place="centre")
    assert settings.renditions.mark_values() == {"draft": mark}


@pytest.mark.parametrize("text", ["much", "", "1e3", "0,5", "-1", "nan", "0.5.5"])
def test_what_is_no_number_in_the_environment_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a number such as 0\.25"):
        load(None, KEYS | {"OSTIARY_RENDITIONS__MARKS__DRAFT__OPACITY": text})


def test_a_mark_is_listed_as_it_would_be_written() -> None:
    configuration = load(None, KEYS | {"OSTIARY_RENDITIONS__MARKS__DRAFT__TEXT": "Draft"})
    lines = listing(configuration).splitlines()
    start = lines.index("[renditions.marks.draft]")
    assert lines[start + 1 : start + 6] == [
        'text = "Draft"',
        'image = ""',
        "opacity = 0.25",
        'place = "tiled"',
        "size = 0.35",
    ]
    assert lines.count("[renditions]") == 1


def test_the_page_has_a_table_for_marks_and_not_twice() -> None:
    assert page().count("## `[renditions.marks.NAME]`") == 1
    assert page().count("OSTIARY_RENDITIONS__MARKS__NAME__OPACITY") == 1
    assert page().count("OSTIARY_ADMIN__TOKEN__") == 0
