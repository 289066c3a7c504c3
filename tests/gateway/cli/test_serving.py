"""`ostiary serve`: what hinders a start is told at once, before anything is started."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TREE = Path(__file__).parents[3]


def serve(shell: Any, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--config", str(shell.config), *options],
        cwd=shell.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_is_told(shell: Any, workers: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        text = shell.config.read_text()
        shell.config.write_text(text.replace("[server]\n", f"[server]\nport = {port}\n"))
        done = serve(shell, "--workers", workers)
    assert done.returncode == 1
    assert done.stderr == (
        f"ostiary: can not listen on 127.0.0.1 port {port}: Address already in use\n"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_data_folder_that_can_not_be_made_is_told(shell: Any, workers: str) -> None:
    (shell.folder / "data").write_text("no folder")
    done = serve(shell, "--workers", workers)
    assert done.returncode == 1
    assert "server.data: database: " in done.stderr
    assert "a folder that this user may write to" in done.stderr
    assert shell.says("serve", status=1) == done.stderr


def test_a_state_of_a_later_release_is_told(shell: Any) -> None:
    shell.sign()
    with sqlite3.connect(shell.folder / "data" / "ostiary.db") as connection:
        connection.execute("INSERT INTO schema_migration VALUES (999, 'later', '', 0)")
    done = serve(shell)
    assert done.returncode == 1
    assert "the database has schema 999" in done.stderr
    assert shell.says("serve", status=1) == done.stderr


def test_workers_are_bounded(shell: Any) -> None:
    assert "--workers" in shell.says("serve", "--workers", "0", status=2)
    assert "--workers" in shell.says("serve", "--workers", "many", status=2)
