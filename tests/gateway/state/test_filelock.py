from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.state.filelock import FileLock

HOLDER = """
import sys, pathlib
from gateway.state.filelock import FileLock
print(FileLock(pathlib.Path(sys.argv[1])).take(), flush=True)
sys.stdin.read()
"""


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.take()
    assert first.take()
    assert not second.take()
    first.give_back()
    assert second.take()
    first.close()
    second.close()


def test_death_gives_it_back(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert not lock.take()
    holder.kill()
    holder.communicate()
    assert lock.take()
    lock.close()
