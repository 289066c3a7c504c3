"""The examples in deploy/edges say what the code writes today."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.edges import KINDS

FOLDER = Path(__file__).parents[3] / "deploy" / "edges"
RENDER: dict[str, Any] = runpy.run_path(str(FOLDER / "render.py"))
TEXTS: dict[str, str] = RENDER["texts"]()


@pytest.mark.parametrize("name", TEXTS)
def test_an_example_is_what_is_rendered(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == TEXTS[name], "make edges"


def test_there_is_an_example_of_every_kind_and_each_is_told_of() -> None:
    assert {kind for kind, _ in RENDER["EXAMPLES"].values()} == set(KINDS)
    readme = (FOLDER / "README.md").read_text("utf-8")
    for name, (kind, _) in RENDER["EXAMPLES"].items():
        assert f"`{name}`" in readme
        assert f"ostiary edge render {kind} " in readme


def test_the_keys_of_the_examples_are_no_secrets() -> None:
    keys = tomllib.loads((FOLDER / "ostiary.toml").read_text("utf-8"))["signing"]["keys"]
    assert all(len(set(key)) == 1 for key in keys.values())


def test_what_the_readme_points_to_is_there() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)", readme):
        assert (FOLDER / link).exists(), link


def test_the_worker_is_reached_by_its_route_alone() -> None:
    told = tomllib.loads((FOLDER / "wrangler.toml").read_text("utf-8"))
    assert (FOLDER / told["main"]).exists()
    assert told["workers_dev"] is told["preview_urls"] is False
    [route] = told["routes"]
    host = route["pattern"].removesuffix("/*")
    assert f'"origin": "https://{host}"' in TEXTS["worker.mjs"]
