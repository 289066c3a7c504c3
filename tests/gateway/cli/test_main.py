"""The command as a whole: help, names, exit statuses, and what it loads for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway import cli
from gateway.cli import main

TREE = Path(__file__).parents[3]
COMMANDS = sorted(main.list_commands(click.Context(main)))


def python(*arguments: str, cwd: Path = TREE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_that_serves(option: str) -> None:
    done = python("-X", "importtime", "-m", "gateway", option)
    assert done.returncode == 0
    assert "ostiary" in done.stdout.lower()
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "gateway.cli" in loaded
    assert not loaded & {"gateway.app", "gateway.settings", "pydantic", "starlette", "PIL"}


def test_alone_it_prints_its_help() -> None:
    result = CliRunner().invoke(main, [])
    assert all(f"  {name} " in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


def test_a_slip_in_a_command_names_the_like_one() -> None:
    result = CliRunner().invoke(main, ["explan"])
    assert result.exit_code == 2
    assert "Did you mean explain?" in result.output
    assert "Did you mean" not in CliRunner().invoke(main, ["zzz"]).output


COMPLETE = {
    "sign": ["a/b/c"],
    "verify": ["/d/x"],
    "explain": ["/d/x"],
    "purge": ["--zone", "z"],
    "revoke": ["--zone", "z"],
    "doctor": [],
    "serve": [],
}


@pytest.mark.parametrize("name", COMPLETE)
def test_without_a_configuration_each_says_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [name, *COMPLETE[name]])
    assert result.exit_code == 1
    assert "ostiary.toml: there is none here (name one with --config" in result.output
    assert "signing.keys" in result.output


@pytest.mark.parametrize("name", COMPLETE)
def test_every_fault_of_a_configuration_is_on_its_own_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[server]\nprot = 1\n[zonse]\n")
    result = CliRunner().invoke(main, [name, "--config", str(file), *COMPLETE[name]])
    assert result.exit_code == 1
    faults = result.output.splitlines()[1:]
    named = {line.split()[0].rstrip(":") for line in faults}
    assert named == {"server.prot", "zonse", "signing.keys"}
    assert len(faults) == len(named)


def test_an_error_of_the_system_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a file"
    file.write_text("")
    result = CliRunner().invoke(main, ["demo", "--folder", str(file / "below")])
    assert result.exit_code == 1
    assert result.stderr.strip() == f"Error: {file / 'below'}: Not a directory"


def test_a_reader_that_leaves_is_no_fault() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m gateway --help | true"],
        cwd=TREE,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_the_list_of_commands_is_what_can_be_run() -> None:
    for name in cli._COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.name == name
    assert main.get_command(click.Context(main), "nothing") is None
