"""The sweeper removes the longest unused first, and never more than it must."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from gateway.caches.sweeper import Sweeper

BLOCK = 4096


def entry(folder: Path, name: str, age: int, size: int = BLOCK) -> Path:
    path = folder / name[:2] / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    used_at = time.time() - age
    os.utime(path, (used_at, used_at))
    return path


def test_the_longest_unused_go_until_nine_tenths_are_left(tmp_path: Path) -> None:
    paths = [entry(tmp_path, f"{number:02}aa", age=number) for number in range(20)]
    assert Sweeper(tmp_path, 10 * BLOCK).sweep() == 11 * BLOCK
    assert [path.exists() for path in paths] == [True] * 9 + [False] * 11


def test_within_the_limit_nothing_goes(tmp_path: Path) -> None:
    paths = [entry(tmp_path, f"{number:02}aa", age=number) for number in range(10)]
    assert Sweeper(tmp_path, 10 * BLOCK).sweep() == 0
    assert all(path.exists() for path in paths)


def test_room_can_be_made_within_the_limit(tmp_path: Path) -> None:
    old, new = entry(tmp_path, "aaaa", age=9), entry(tmp_path, "bbbb", age=1)
    assert Sweeper(tmp_path, 10 * BLOCK).sweep(room=1) == BLOCK
    assert (old.exists(), new.exists()) == (False, True)


def test_a_small_entry_counts_as_the_block_it_takes(tmp_path: Path) -> None:
    for number in range(11):
        entry(tmp_path, f"{number:02}aa", age=number, size=1)
    assert Sweeper(tmp_path, 10 * BLOCK).sweep() == 2 * BLOCK


def test_abandoned_unfinished_files_go_and_young_ones_stay(tmp_path: Path) -> None:
    entry(tmp_path, "aaaa", age=0)
    old, young = tmp_path / "aa" / ".aaaa.1", tmp_path / "aa" / ".aaaa.2"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    Sweeper(tmp_path, 10 * BLOCK).sweep()
    assert (old.exists(), young.exists()) == (False, True)


def test_one_sweeps_at_a_time(tmp_path: Path) -> None:
    old = entry(tmp_path, "aaaa", age=1)
    lock = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert Sweeper(tmp_path, 0).sweep() == 0
    os.close(lock)
    assert old.exists()
    assert Sweeper(tmp_path, 0).sweep() == BLOCK


def test_what_is_no_entry_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path.parent)
    Sweeper(tmp_path, 0).sweep()
    assert (tmp_path / "note.txt").exists()
    assert (tmp_path / "link").is_symlink()


def test_a_missing_folder_or_one_that_cannot_be_removed_is_no_error(tmp_path: Path) -> None:
    assert Sweeper(tmp_path / "none", 0).sweep() == 0
    (tmp_path / "aa" / "folder").mkdir(parents=True)
    assert Sweeper(tmp_path, 0).sweep() == 0


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_folder_is_swept(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / f"{number:02}").mkdir()
    assert Sweeper(tmp_path, 0).sweep() == 0
