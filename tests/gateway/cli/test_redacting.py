"""`ostiary redact`: what is put is shown again, and links may hold it."""

from __future__ import annotations

import json
from typing import Any

import pytest

BOX = {"left": 100, "top": 200, "right": 300, "bottom": 400}


@pytest.fixture
def boxes(shell: Any) -> str:
    file = shell.folder / "face.json"
    file.write_text(json.dumps({"boxes": [BOX]}))
    return str(file)


def test_a_version_is_put_once_and_shown_again(shell: Any, boxes: str) -> None:
    assert shell.run("redact put", "face", boxes).stdout == "rface_1\n"
    assert shell.run("redact put", "face", boxes).stdout == "rface_1 (as it was)\n"
    shown = json.loads(shell.run("redact show", "face").stdout)
    assert (shown["version"], shown["put_by"]) == (1, "cli")
    assert shown["boxes"] == [{**BOX, "page": 0, "colour": "black"}]
    again = json.loads(shell.run("redact put", "--json", "face", boxes).stdout)
    assert again == shown


def test_older_versions_are_there_and_the_list_has_the_newest(shell: Any, boxes: str) -> None:
    shell.run("redact put", "face", boxes)
    more = shell.folder / "more.json"
    more.write_text(json.dumps({"boxes": [BOX, {**BOX, "page": 2, "colour": "white"}]}))
    shell.run("redact put", "face", str(more))
    first = json.loads(shell.run("redact show", "face", "--version", "1").stdout)
    assert len(first["boxes"]) == 1
    assert shell.says("redact list").split() == ["rface_2", "2", "boxes,", "put", "by", "cli"]
    [line] = shell.run("redact list", "--json").stdout.splitlines()
    assert json.loads(line)["version"] == 2


def test_what_is_not_there_is_said_to_be_missing(shell: Any, boxes: str) -> None:
    assert "no redaction 'face'" in shell.says("redact show", "face", status=1)
    shell.run("redact put", "face", boxes)
    assert "this version" in shell.says("redact show", "face", "--version", "2", status=1)


@pytest.mark.parametrize("text", ["", "{}", '{"boxes": []}', '{"boxes": [{"left": 1}]}'])
def test_a_file_without_boxes_is_refused(shell: Any, text: str) -> None:
    file = shell.folder / "face.json"
    file.write_text(text)
    assert "FILE" in shell.says("redact put", "face", str(file), status=2)


def test_a_name_that_no_link_could_hold_is_refused(shell: Any, boxes: str) -> None:
    assert "begins with a letter" in shell.says("redact put", "Face", boxes, status=2)


def test_sign_verify_and_explain_know_what_is_stored(shell: Any, boxes: str) -> None:
    shell.put("a.jpg")
    told = shell.says("sign", "clinic/documents/a.jpg", "--grant", "x-w320-rface_1", status=2)
    assert "no rendition that is made" in told
    shell.run("redact put", "face", boxes)
    told = shell.says("sign", "clinic/documents/a.jpg", "--grant", "x-w320-rface_2", status=2)
    assert "did you mean w320-rface_1?" in told
    link = shell.sign("a.jpg", "--grant", "x-w320-rface_1")
    assert shell.says("verify", link).startswith("good")
    assert "format by Accept" in shell.says("explain", link)
