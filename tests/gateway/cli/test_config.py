"""`ostiary config show`: the listing on a terminal, and every fault when there is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.config import config

KEY = "c0ffee06" * 8


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"OSTIARY_SIGNING__KEYS__K1": KEY})


def test_show_prints_the_effective_values_masked(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[server]\nport = 9\n")
    answer = runner.invoke(config, ["show", "--config", str(file)])
    assert answer.exit_code == 0
    assert "port = 9\n" in answer.output
    assert 'keys.k1 = "…(32 octets)"\n' in answer.output
    assert KEY not in answer.output


def test_show_origin_adds_where_each_came_from(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[server]\nport = 9\n")
    answer = runner.invoke(config, ["show", "--origin"], env={"OSTIARY_CONFIG": str(file)})
    assert f"port = 9  # {file}\n" in answer.output
    assert "OSTIARY_SIGNING__KEYS__K1\n" in answer.output


def test_faults_are_told_one_a_line_and_fail_the_command(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text(f'[signing]\nseal_key = "{KEY}"\n[server]\nprot = 9\n')
    answer = runner.invoke(config, ["show", "--config", str(file)])
    assert answer.exit_code == 1
    assert len(answer.output.splitlines()) == 2
    assert "nearest: server.port" in answer.output
    assert KEY not in answer.output
