"""REDbot's opinion of our HTTP: no note of level warn or bad on any kind of answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def door(gateway_in: Callable[..., Any]) -> Any:
    gateway = gateway_in()
    picture = gateway.documents / "photo.jpg"
    Image.effect_noise((1200, 900), 60).convert("RGB").save(picture, quality=85)
    gateway.put("note.txt", b"A note, long enough to be cut into ranges. " * 100)
    return gateway.start()


def notes(url: str) -> list[tuple[str, str]]:
    """REDbot's notes on a URL: level and summary."""
    redbot = Path(sys.executable).with_name("redbot")
    done = subprocess.run(
        [redbot, "-o", "har", url], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[tuple[str, str]] = []
    for entry in json.loads(done.stdout)["log"]["entries"]:
        for note in entry["_red_messages"]:
            found.append((note["level"].lower(), note["note_id"]))
    assert found, "REDbot said nothing, so it saw nothing"
    return found


@pytest.mark.parametrize(
    ("key", "rendition"),
    [("photo.jpg", "original"), ("note.txt", "original"), ("photo.jpg", "w640-webp")],
)
def test_redbot_has_nothing_to_warn_of(door: Any, key: str, rendition: str) -> None:
    url = door.url + door.link(key, rendition)
    warnings = [note for note in notes(url) if note[0] in ("warn", "bad", "warning")]
    assert not warnings
