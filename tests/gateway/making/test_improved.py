"""From the first answer to the better one, through the whole gateway."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from gateway.documents import DocumentRef
from gateway.making.improvements import Pacing

QUICK = Pacing(grace=0.0, poll=0.02, gather=0.05)
EDGE = {"edge": {"provider": "varnish", "url": "http://127.0.0.1:9", "secret": "s"}}
TOKEN = "operator-token"
LETTER = DocumentRef("clinic", "documents", "photo.jpg")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.making.improvements.improver.PACING", QUICK)


@pytest.fixture
def improving(open_door: Callable[..., Any]) -> Any:
    """A gateway that improves, with a photo that is easy to encode."""
    door = open_door(renders=True, renditions={"workers": 1, "improve": True}, cdn=EDGE)
    door.put("photo.jpg", photo())
    return door


def photo() -> bytes:
    out = BytesIO()
    Image.radial_gradient("L").resize((1000, 800)).convert("RGB").save(out, "JPEG", quality=95)
    return out.getvalue()


def fresh_for(answer: httpx.Response) -> int:
    found = re.search(r"max-age=(\d+)", answer.headers["surrogate-control"])
    assert found
    return int(found[1])


def until(door: Any, holds: Callable[[], Any]) -> Any:
    """What `holds` gives as soon as it gives something, with the gateway at work."""
    deadline = time.monotonic() + 90
    while not (held := holds()):
        assert time.monotonic() < deadline, "not in 90 s"
        door.run(asyncio.sleep(0.02))
    return held


def rows(door: Any, query: str) -> list[Any]:
    found = door.run(door.parts.database.read(lambda c: c.execute(query).fetchall()))
    assert isinstance(found, list)
    return found


def test_a_better_rendition_takes_the_place_of_the_first(improving: Any) -> None:
    link = improving.link("photo.jpg", "w640-webp", expires_in=80_000, pinned=True)
    first = improving.get(link)
    assert 0 < fresh_for(first) <= 3_600
    assert "immutable" not in first.headers["cache-control"]

    def replaced() -> httpx.Response | None:
        answer = improving.get(link)
        return answer if answer.headers["etag"] != first.headers["etag"] else None

    better = until(improving, replaced)
    assert len(better.content) < len(first.content)
    assert Image.open(BytesIO(better.content)).size == (640, 512)
    assert fresh_for(better) > 3_600
    assert "immutable" in better.headers["cache-control"]
    [(soft,)] = until(improving, lambda: rows(improving, PURGES))
    assert soft == 1
    [(tag, soft)] = rows(improving, "SELECT DISTINCT tag, soft FROM purge_job")
    assert (tag, soft) == (LETTER.id, 1)
    asked = improving.get(link, {"If-None-Match": first.headers["etag"]})
    assert (asked.status_code, asked.content) == (200, better.content)
    assert improving.get(link, {"If-None-Match": better.headers["etag"]}).status_code == 304


PURGES = "SELECT soft FROM purge WHERE reason = 'improved'"


def test_a_worker_that_is_killed_in_mid_job_is_noticed_by_nobody(improving: Any) -> None:
    workshop = improving.parts.improver.workshop
    improving.run(workshop.describe(photo()))
    link = improving.link("photo.jpg", "w640-avif")
    first = improving.get(link)
    until(improving, lambda: workshop.busy)
    os.kill(workshop.pids[0], signal.SIGKILL)
    other = improving.get(improving.link("photo.jpg", "w320-jpeg"))
    assert other.status_code == 200
    better = until(
        improving,
        lambda: (a := improving.get(link)).headers["etag"] != first.headers["etag"] and a,
    )
    assert better.headers["content-type"] == "image/avif"


def test_what_has_a_quality_in_its_name_is_final_at_once(improving: Any) -> None:
    link = improving.link("photo.jpg", "w640-q80-webp", expires_in=80_000, grant="x-w640-q80-webp")
    assert fresh_for(improving.get(link)) > 3_600


def test_without_the_setting_the_first_answer_is_the_last(open_door: Callable[..., Any]) -> None:
    door = open_door(renders=True, renditions={"workers": 1, "improve": False}, cdn=EDGE)
    door.put("photo.jpg", photo())
    assert fresh_for(door.get(door.link("photo.jpg", "w640-webp", expires_in=80_000))) > 3_600
    door.run(asyncio.sleep(0.2))
    assert door.parts.improver.workshop.pids == ()


def test_improvements_are_counted(improving: Any) -> None:
    improving.get(improving.link("photo.jpg", "w320-webp"))

    def counted() -> bool:
        figures = improving.ask("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        return 'ostiary_improvements_total{outcome="better"} 1.0' in figures.text

    assert until(improving, counted)
