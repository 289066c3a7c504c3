"""The page of settings: what is committed is what the models say, and nothing is unsaid."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from gateway.settings.page import page
from gateway.settings.schema import leaves, schema

COMMITTED = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_committed_page_is_the_written_one() -> None:
    assert COMMITTED.read_text() == page(), "python -m gateway.settings > docs/settings.md"


def test_the_command_writes_the_page() -> None:
    command = [sys.executable, "-m", "gateway.settings"]
    written = subprocess.run(
        command, cwd=COMMITTED.parents[1], check=True, capture_output=True, text=True
    )
    assert written.stdout == page()


def test_every_setting_and_every_table_says_what_it_means() -> None:
    for setting in leaves():
        assert setting.node.meaning.endswith("."), setting.path
    for name, node in schema().fields.items():
        assert node.meaning.endswith("."), name


def test_every_setting_is_on_the_page_with_its_variable() -> None:
    for setting in leaves():
        assert f"`{setting.variable}`" in page()


def test_the_file_on_the_page_is_toml_of_known_tables() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", page(), re.DOTALL)
    assert set(tomllib.loads(block)) == set(schema().fields)
