"""The Next.js loader, in Next's own image code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from imaging.names.renditions import LADDER

pytestmark = pytest.mark.engines

TEMPLATE = "https://cdn.example.org/d/{rendition}/clinic/documents/-/a%20%7Brendition%7D.jpg?t=1.k1"
OTHER = "https://cdn.example.org/d/original/clinic/documents/-/a%20%7Brendition%7D.jpg?t=1.k1"
DOCS = Path(__file__).parents[2] / "docs" / "clients.md"


@pytest.fixture(scope="module")
def told(node: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("next")
    [config] = re.findall(r"```js\n(// next\.config\.mjs\n.*?)```", DOCS.read_text("utf-8"), re.S)
    (folder / "next.config.mjs").write_text(config, encoding="utf-8")
    (folder / "next-image-loader.mjs").write_bytes(
        (node.folder / "deploy" / "clients" / "next-image-loader.mjs").read_bytes()
    )
    return node.told("loader_in_next.mjs", TEMPLATE, OTHER, str(folder))


def rendered(width: int) -> str:
    return TEMPLATE.replace("{rendition}", f"w{width}-webp")


def test_a_picture_of_fixed_size_comes_in_the_next_rungs(told: Any) -> None:
    assert told["fixed"]["srcSet"] == f"{rendered(640)} 1x, {rendered(1280)} 2x"
    assert told["fixed"]["src"] == rendered(1280)


def test_only_rungs_of_the_ladder_are_asked_for(told: Any) -> None:
    widths = {int(width) for width in re.findall(r"/d/w(\d+)-webp/", told["fluid"]["srcSet"])}
    assert widths == {width for width in LADDER if width >= 640}


def test_other_sources_are_left_alone(told: Any) -> None:
    assert told["other"] == OTHER


def test_pages_and_escaped_templates_are_understood(told: Any) -> None:
    assert told["page"] == TEMPLATE.replace("{rendition}", "p2-w160-webp")
    assert told["escaped"].startswith("https://cdn.example.org/d/w2560-webp/clinic/")


def test_next_accepts_the_documented_configuration(told: Any) -> None:
    assert told["images"]["loader"] == "custom"
    assert Path(told["images"]["file"]).name == "next-image-loader.mjs"
    assert set(told["images"]["widths"]) <= set(LADDER)
