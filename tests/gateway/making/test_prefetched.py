"""From a rung to its neighbours, through the whole gateway."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.making.improvements import Pacing

TOKEN = "operator-token"
WEBP = {"Accept": "image/webp,*/*"}
COUNTED = re.compile(r'ostiary_prefetches_total\{outcome="(\w+)"\} (\d+)')
MISS = "ostiary; fwd=miss"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    pacing = Pacing(grace=0.0, poll=0.02, gather=0.05)
    monkeypatch.setattr("gateway.making.improvements.improver.PACING", pacing)


@pytest.fixture
def opened(open_door: Callable[..., Any], draw: Callable[..., bytes]) -> Callable[..., Any]:
    def door(*, prefetch: bool) -> Any:
        clinic = {"prefetch": prefetch}
        opened = open_door(renders=True, renditions={"workers": 1}, clinic=clinic)
        opened.put("photo.jpg", draw("JPEG", 1, (1000, 800)))
        opened.put("letter.pdf", draw("PDF", 2))
        return opened

    return door


def counted(door: Any) -> dict[str, int]:
    figures = door.ask("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return {outcome: int(count) for outcome, count in COUNTED.findall(figures.text)}


def until_counted(door: Any, wanted: dict[str, int]) -> None:
    deadline = time.monotonic() + 90
    while counted(door) != wanted:
        assert time.monotonic() < deadline, counted(door)
        door.run(asyncio.sleep(0.02))


def test_the_rungs_beside_the_first_are_there_when_they_are_asked_for(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    door = opened(prefetch=True)
    assert door.get(door.link("letter.pdf", "p2-w640"), WEBP).headers["cache-status"] == MISS
    until_counted(door, {"made": 2})
    for name in ("p2-w480-webp", "p2-w960-webp"):
        answer = door.get(door.link("letter.pdf", name))
        assert (answer.status_code, answer.headers["cache-status"]) == (200, "ostiary; hit")
    for name in ("p1-w480-webp", "p2-w320-webp", "p2-w1280-webp", "p2-w480-jpeg"):
        assert door.get(door.link("letter.pdf", name)).headers["cache-status"] == MISS, name


def test_it_is_the_same_as_if_it_were_asked_for(opened: Callable[..., Any], tmp_path: Path) -> None:
    door = opened(prefetch=False)
    link = door.link("photo.jpg", "w480-webp")
    asked = door.get(link)
    for kept in (tmp_path / "var" / "cache").glob("*/*"):
        kept.unlink()
    door = opened(prefetch=True)
    door.get(door.link("photo.jpg", "w640-webp"))
    until_counted(door, {"made": 2})
    found = door.get(door.link("photo.jpg", "w480-webp"))
    assert found.headers["cache-status"] == "ostiary; hit"
    assert (found.headers["etag"], found.content) == (asked.headers["etag"], asked.content)


def test_none_is_made_above_the_source(opened: Callable[..., Any]) -> None:
    door = opened(prefetch=True)
    door.get(door.link("photo.jpg", "w960-webp"))
    until_counted(door, {"made": 1, "needless": 1})
    assert door.get(door.link("photo.jpg", "w1280-webp")).headers["cache-status"] == MISS


def test_a_zone_that_does_not_ask_for_it_makes_what_is_asked_for(
    opened: Callable[..., Any],
) -> None:
    door = opened(prefetch=False)
    door.get(door.link("photo.jpg", "w640-webp"))
    door.run(asyncio.sleep(0.2))
    assert counted(door) == {}
    assert door.parts.improver.workshop.pids == ()


@pytest.mark.parametrize("name", ["auto", "original"])
def test_what_is_no_rung_has_nothing_prefetched(opened: Callable[..., Any], name: str) -> None:
    door = opened(prefetch=True)
    assert door.get(door.link("photo.jpg", name), WEBP).status_code == 200
    door.run(asyncio.sleep(0.2))
    assert counted(door) == {}
