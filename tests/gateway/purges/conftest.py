"""A database of one test's own, and child processes that work on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.state.database import Database

Process = subprocess.Popen[str]
Child = Callable[..., Process]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ostiary.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database.open(path)
    yield opened
    opened.close()


@pytest.fixture
def child(path: Path) -> Iterator[Child]:
    """Starts a program with the database's path and more as its arguments."""
    started: list[Process] = []

    def start(program: str, *arguments: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
